import type { ApplyOptions, CallOptions, KubeClient, ObjectList, Selection } from "./kube-client.ts";
import type { KubeSource } from "./kube-config.ts";
import { isExpired, isNotFound } from "./kube-error.ts";
import { createKubeLogin } from "./kube-login.ts";
import type { KubeMetrics } from "./kube-metrics.ts";
import type { KubeObject, Resource } from "./kube-object.ts";
import { createKubeRequests, type KubeRequests } from "./kube-requests.ts";
import { collectionPath, newObjectPath, objectPath } from "./resource-path.ts";
import { parseWatch } from "./watch-lines.ts";

export interface KubeClientOptions {
  readonly source: KubeSource;
  readonly metrics: KubeMetrics;
  /** Who asks, in the API server's audit log: `emufarm-operator/0.1.0`. */
  readonly userAgent: string;
  /** For each answer; default 30 s. */
  readonly timeoutMs?: number;
  /** Objects in one page of a list; default 500. */
  readonly pageSize?: number;
}

const MERGE_PATCH = "application/merge-patch+json";
const APPLY_PATCH = "application/apply-patch+yaml";

/** @throws {KubeError} `NoServer` where the source names none */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const { metrics, userAgent, timeoutMs = 30_000, pageSize = 500 } = options;
  const login = createKubeLogin(options.source);
  return kubeClientOn(createKubeRequests({ login, metrics, userAgent, timeoutMs }), pageSize);
}

/** A client on requests that others make as well; they go with it. */
export function kubeClientOn(requests: KubeRequests, pageSize: number): KubeClient {
  return {
    ...reads(requests, pageSize),
    ...writes(requests),
    [Symbol.asyncDispose]: () => requests[Symbol.asyncDispose](),
  };
}

type Reads = Pick<KubeClient, "get" | "list" | "watch">;
type Writes = Omit<KubeClient, keyof Reads | typeof Symbol.asyncDispose>;

function reads(requests: KubeRequests, pageSize: number): Reads {
  return {
    async get(resource, name, namespace, options = {}) {
      const path = objectPath(resource, name, namespace);
      try {
        return await requests.json({ method: "GET", path, ...sending(options) });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async list(resource, selection = {}) {
      try {
        return await listPages(requests, resource, selection, pageSize);
      } catch (error) {
        // A list that takes long outlives the version that its pages are of.
        if (!isExpired(error)) throw error;
        return await listPages(requests, resource, selection, 0);
      }
    },
    async *watch(resource, { resourceVersion, timeoutSeconds, inactivityMs, signal, ...selection }) {
      const call = {
        method: "GET",
        path: collectionPath(resource, selection.namespace),
        query: { ...selectors(selection), watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds },
        accept: resource.isMetadataOnly ? metadataOnly("PartialObjectMetadata") : undefined,
        silenceMs: inactivityMs,
        signal,
      } as const;
      yield* parseWatch(requests.bytes(call));
    },
  };
}

/** A page size of 0 asks for everything at once. */
async function listPages<Kind extends KubeObject>(
  requests: KubeRequests,
  resource: Resource<Kind>,
  selection: Selection & CallOptions,
  pageSize: number,
): Promise<ObjectList<Kind>> {
  const { apiVersion, kind } = resource;
  const items: Kind[] = [];
  for (let next: string | undefined; ; ) {
    const page = await requests.json<ListBody<Kind>>({
      method: "GET",
      path: collectionPath(resource, selection.namespace),
      query: { ...selectors(selection), limit: pageSize || undefined, continue: next },
      accept: resource.isMetadataOnly ? metadataOnly("PartialObjectMetadataList") : undefined,
      ...sending(selection),
    });
    // Items of built-in kinds come without saying what they are.
    for (const item of page.items ?? []) items.push({ ...item, apiVersion, kind });
    next = page.metadata.continue || undefined;
    if (next === undefined) return { items, resourceVersion: page.metadata.resourceVersion };
  }
}

interface ListBody<Kind> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly Kind[] | null;
}

function writes(requests: KubeRequests): Writes {
  return {
    async create(resource, object, { fieldManager, ...options } = {}) {
      const path = newObjectPath(resource, object.metadata.namespace);
      return requests.json({ method: "POST", path, query: { fieldManager }, body: object, ...sending(options) });
    },
    apply: (resource, object, { force = false, ...options }) =>
      applied(requests, pathOf(resource, object), object, { ...options, force }),
    applyStatus: (resource, object, { force = true, ...options }) =>
      applied(requests, `${pathOf(resource, object)}/status`, object, { ...options, force }),
    async patch(resource, name, namespace, mergePatch, { fieldManager, subresource, ...options } = {}) {
      const path = `${objectPath(resource, name, namespace)}${subresource ? `/${subresource}` : ""}`;
      const call = {
        method: "PATCH",
        path,
        query: { fieldManager },
        contentType: MERGE_PATCH,
        body: mergePatch,
      } as const;
      return requests.json({ ...call, ...sending(options) });
    },
    async replace(resource, object, options = {}) {
      return requests.json({ method: "PUT", path: pathOf(resource, object), body: object, ...sending(options) });
    },
    async delete(resource, name, namespace, options = {}) {
      const { uid, resourceVersion, gracePeriodSeconds, propagationPolicy, ...call } = options;
      const preconditions = { uid, resourceVersion };
      const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions, gracePeriodSeconds, propagationPolicy };
      try {
        await requests.json({ method: "DELETE", path: objectPath(resource, name, namespace), body, ...sending(call) });
        return true;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    },
  };
}

function applied<Kind extends KubeObject>(
  requests: KubeRequests,
  path: string,
  body: Kind,
  { fieldManager, force, ...options }: ApplyOptions,
): Promise<Kind> {
  const query = { fieldManager, force };
  return requests.json({ method: "PATCH", path, query, contentType: APPLY_PATCH, body, ...sending(options) });
}

const pathOf = (resource: Resource, { metadata: { name = "", namespace } }: KubeObject) =>
  objectPath(resource, name, namespace);

const sending = ({ signal, timeoutMs, beforeSend }: CallOptions) => ({ signal, timeoutMs, beforeSend });

/** How the API server is asked for less than whole objects. */
const metadataOnly = (kind: string) => `application/json;as=${kind};g=meta.k8s.io;v=v1`;

const selectors = ({ labelSelector, fieldSelector }: Selection) => ({ labelSelector, fieldSelector });
