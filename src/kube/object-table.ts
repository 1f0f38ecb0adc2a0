import type { CallOptions, Selection, WatchEvent } from "./kube-client.ts";
import type { KubeObject, ObjectMeta, Resource } from "./kube-object.ts";
import type { KubeRequests } from "./kube-requests.ts";
import { collectionPath, objectPath } from "./resource-path.ts";
import { parseWatch } from "./watch-lines.ts";

/** Objects as the API server shows them to people: the columns of `kubectl get`. */
export interface ObjectTable {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly TableRow[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

export interface TableColumn {
  readonly name: string;
  /** 0: always shown; more: for those who ask for more. */
  readonly priority: number;
}

export interface TableRow {
  readonly cells: readonly unknown[];
  readonly metadata: ObjectMeta;
}

/** What has become of an object, as a row. */
export interface TableEvent {
  readonly type: WatchEvent<KubeObject>["type"];
  readonly rows: readonly TableRow[];
  readonly resourceVersion: string;
}

/** As it travels (meta.k8s.io/v1). Columns come with the first table of a watch only. */
interface TableBody extends KubeObject {
  readonly metadata: ObjectMeta & { readonly continue?: string };
  readonly columnDefinitions?: readonly TableColumn[];
  readonly rows?: readonly { readonly cells: readonly unknown[]; readonly object: { readonly metadata: ObjectMeta } }[];
}

const ACCEPT = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const PAGE_SIZE = 500;

/** @throws {KubeError} also NotFound, for one that is asked for by its name */
export async function listTable(
  requests: KubeRequests,
  resource: Resource,
  { name, namespace, labelSelector, fieldSelector, ...call }: Selection & CallOptions & { readonly name?: string },
): Promise<ObjectTable> {
  if (name !== undefined) {
    const path = objectPath(resource, name, namespace);
    return tableOf([await requests.json<TableBody>({ method: "GET", path, accept: ACCEPT, ...call })]);
  }
  const path = collectionPath(resource, namespace);
  const pages: TableBody[] = [];
  for (let next: string | undefined; ; ) {
    const query = { labelSelector, fieldSelector, limit: PAGE_SIZE, continue: next };
    const page = await requests.json<TableBody>({ method: "GET", path, query, accept: ACCEPT, ...call });
    pages.push(page);
    next = page.metadata.continue || undefined;
    if (next === undefined) return tableOf(pages);
  }
}

/** Changes since a version, as rows. @throws {KubeError} also for a stream that breaks */
export async function* watchTable(
  requests: KubeRequests,
  resource: Resource,
  { namespace, resourceVersion, signal, ...selectors }: Selection & { resourceVersion: string; signal: AbortSignal },
): AsyncGenerator<TableEvent> {
  const path = collectionPath(resource, namespace);
  const query = { ...selectors, watch: true, allowWatchBookmarks: true, resourceVersion };
  const stream = requests.bytes({ method: "GET", path, query, accept: ACCEPT, silenceMs: 0, signal });
  for await (const { type, object } of parseWatch<TableBody>(stream)) {
    const { rows, resourceVersion: version } = tableOf([object]);
    yield { type, rows, resourceVersion: version || (rows[0]?.metadata.resourceVersion ?? resourceVersion) };
  }
}

function tableOf(pages: readonly TableBody[]): ObjectTable {
  return {
    columns: pages[0]?.columnDefinitions ?? [],
    rows: pages.flatMap((page) => (page.rows ?? []).map(({ cells, object }) => ({ cells, metadata: object.metadata }))),
    resourceVersion: pages.at(-1)?.metadata.resourceVersion ?? "",
  };
}
