import type { Duplex } from "node:stream";
import { Registry } from "prom-client";
import { kubeClientOn } from "./create-kube-client.ts";
import type { CallOptions, KubeClient, Selection } from "./kube-client.ts";
import type { KubeSource } from "./kube-config.ts";
import { isNotFound } from "./kube-error.ts";
import { createKubeLogin } from "./kube-login.ts";
import { createKubeMetrics } from "./kube-metrics.ts";
import type { KubeObject, Resource } from "./kube-object.ts";
import { createKubeRequests } from "./kube-requests.ts";
import { listTable, type ObjectTable, type TableEvent, watchTable } from "./object-table.ts";
import { type ForwardTarget, type LocalPort, listenForForward, openForward } from "./port-forward.ts";

/** A cluster as a person at a command line uses it. */
export interface KubeConnection extends AsyncDisposable {
  readonly server: string;
  readonly context: string;
  /** The namespace of the context; `default` where it has none. */
  readonly namespace: string;
  readonly client: KubeClient;
  /** Version of the API server, such as `v1.36.3`. */
  version(): Promise<string>;
  /** The kind of objects that this apiVersion and kind name; undefined where the API server has none of it. */
  findResource(apiVersion: string, kind: string): Promise<Resource | undefined>;
  table(resource: Resource, selection: Selection & CallOptions & { readonly name?: string }): Promise<ObjectTable>;
  watchTable(
    resource: Resource,
    options: Selection & { resourceVersion: string; signal: AbortSignal },
  ): AsyncGenerator<TableEvent>;
  /** Whether the API server would let the caller do this. */
  may(action: Action): Promise<boolean>;
  /** The token that the kubeconfig logs in with, as it is now; undefined where it does so by other means. */
  bearerToken(): Promise<string | undefined>;
  /** A connection to a port of a pod. */
  connect(target: ForwardTarget): Promise<Duplex>;
  /** A port of this machine whose connections go to the target, found anew for each; the first is made at once. */
  forward(find: () => Promise<ForwardTarget>): Promise<LocalPort>;
}

/** What a right is asked about. */
export interface Action {
  readonly verb: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly group?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export interface KubeConnectionOptions {
  readonly source: KubeSource;
  readonly userAgent: string;
}

const ANSWER_MS = 30_000;
const PAGE_SIZE = 500;
const REVIEWS: Resource<KubeObject & { readonly spec: object; readonly status?: { readonly allowed?: boolean } }> = {
  apiVersion: "authorization.k8s.io/v1",
  kind: "SelfSubjectAccessReview",
  plural: "selfsubjectaccessreviews",
  isNamespaced: false,
};

/** @throws {KubeError} `NoKubeconfig`, `NoContext`, `NoServer` */
export function connectToKube({ source, userAgent }: KubeConnectionOptions): KubeConnection {
  const login = createKubeLogin(source);
  // Nobody reads them here.
  const metrics = createKubeMetrics(new Registry());
  const requests = createKubeRequests({ login, metrics, userAgent, timeoutMs: ANSWER_MS });
  const client = kubeClientOn(requests, PAGE_SIZE);
  return {
    server: login.server.href.replace(/\/$/, ""),
    context: login.context,
    namespace: login.namespace || "default",
    client,
    version: async () => (await requests.json<{ gitVersion: string }>({ method: "GET", path: "/version" })).gitVersion,
    async findResource(apiVersion, kind) {
      const path = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      try {
        const { resources } = await requests.json<ResourceList>({ method: "GET", path });
        const found = resources.find((resource) => resource.kind === kind && !resource.name.includes("/"));
        return found && { apiVersion, kind, plural: found.name, isNamespaced: found.namespaced };
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    table: (resource, selection) => listTable(requests, resource, selection),
    watchTable: (resource, options) => watchTable(requests, resource, options),
    async may(action) {
      const spec = { resourceAttributes: action };
      const { apiVersion, kind } = REVIEWS;
      const review = await client.create(REVIEWS, { apiVersion, kind, metadata: {}, spec });
      return review.status?.allowed === true;
    },
    async bearerToken() {
      const { Authorization = "" } = (await login.credentials()).headers;
      return Authorization.startsWith("Bearer ") ? Authorization.slice("Bearer ".length) : undefined;
    },
    connect: (target) => openForward(login, target),
    forward: (find) => listenForForward(async () => openForward(login, await find())),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** As the API server lists what it has (APIResourceList). */
interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}
