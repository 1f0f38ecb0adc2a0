import type { ServerResponse } from "node:http";
import type { KubeClientOptions } from "../../src/kube/create-kube-client.ts";
import {
  answer,
  type Behaviour,
  type ConfigMap,
  configMap,
  type FakeApiServer,
  refuse,
  startFakeApiServer,
} from "./fake-api-server.ts";

/** An API server that has ConfigMaps, tells their changes, and misbehaves when told to. */
export interface WatchServer extends FakeApiServer {
  /** What is true. */
  readonly objects: ReadonlyMap<string, ConfigMap>;
  readonly version: number;
  /** The next requests of this sort are answered so, one each. */
  failNext(sort: "list" | "watch", ...behaviours: Behaviour[]): void;
  put(name: string, data?: Record<string, string>): void;
  remove(name: string): void;
  bookmark(): void;
  /** Text into all open watches, as it is. */
  write(text: string): void;
  /** Ends all open watches in good order, or breaks their connections. */
  endWatches(how: "end" | "reset"): void;
  /** From now on open watches get nothing, while their connections stay. */
  forgetWatches(): void;
  /** Changes that watches could go on from are gone. */
  compact(): void;
  readonly openWatches: number;
  /** Requests of this sort so far. */
  count(sort: "list" | "watch"): number;
  /** The version that the last watch began at. */
  lastWatchVersion(): string | null | undefined;
}

export async function startWatchServer(
  options: Partial<KubeClientOptions> = {},
  beforeClient?: (url: string) => void,
): Promise<WatchServer> {
  let version = 100;
  let oldest = 100;
  const objects = new Map<string, ConfigMap>();
  const changes: { readonly version: number; readonly line: string }[] = [];
  const watches = new Set<ServerResponse>();
  const faults = { list: [] as Behaviour[], watch: [] as Behaviour[] };
  const sortOf = (query: URLSearchParams) => (query.get("watch") === "true" ? "watch" : "list");

  function change(type: string, object: ConfigMap): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    changes.push({ version, line });
    for (const watch of watches) watch.write(line);
  }

  const server = await startFakeApiServer(
    (request, response) => {
      const { query } = request;
      const fault = faults[sortOf(query)].shift();
      if (fault) return fault(request, response);
      if (sortOf(query) === "list") {
        return answer(response, 200, { metadata: { resourceVersion: `${version}` }, items: [...objects.values()] });
      }
      const since = Number(query.get("resourceVersion"));
      if (since < oldest) return refuse(response, 410, "Expired");
      response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
      for (const { line, version: changed } of changes) if (changed > since) response.write(line);
      watches.add(response);
      response.on("close", () => watches.delete(response));
    },
    options,
    beforeClient,
  );

  return {
    ...server,
    objects,
    get version() {
      return version;
    },
    failNext: (sort, ...behaviours) => void faults[sort].push(...behaviours),
    put(name, data = {}) {
      version += 1;
      const object = configMap(name, version, data);
      const type = objects.has(name) ? "MODIFIED" : "ADDED";
      objects.set(name, object);
      change(type, object);
    },
    remove(name) {
      if (!objects.delete(name)) return;
      version += 1;
      change("DELETED", configMap(name, version));
    },
    bookmark() {
      version += 1;
      const object = { kind: "ConfigMap", apiVersion: "v1", metadata: { resourceVersion: `${version}` } };
      for (const watch of watches) watch.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
    },
    write(text) {
      for (const watch of watches) watch.write(text);
    },
    endWatches(how) {
      for (const watch of watches) watch[how === "end" ? "end" : "destroy"]();
      watches.clear();
    },
    forgetWatches: () => watches.clear(),
    compact() {
      version += 1;
      oldest = version;
    },
    get openWatches() {
      return watches.size;
    },
    count: (sort) => server.seen.filter(({ query }) => sortOf(query) === sort).length,
    lastWatchVersion: () =>
      server.seen.findLast(({ query }) => sortOf(query) === "watch")?.query.get("resourceVersion"),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
