import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Registry } from "prom-client";
import { createKubeClient, type KubeClientOptions } from "../../src/kube/create-kube-client.ts";
import type { KubeClient } from "../../src/kube/kube-client.ts";
import { createKubeMetrics, type KubeMetrics } from "../../src/kube/kube-metrics.ts";
import type { KubeObject, Resource } from "../../src/kube/kube-object.ts";

/** A kind for tests. */
export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
export const CONFIG_MAPS: Resource<ConfigMap> = {
  apiVersion: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  isNamespaced: true,
};

/** What a request to the server has brought. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

/** A server that behaves as a test tells it, and a client for it. */
export interface FakeApiServer extends AsyncDisposable {
  readonly url: string;
  readonly client: KubeClient;
  readonly metrics: KubeMetrics;
  readonly seen: readonly SeenRequest[];
}

export type Behaviour = (request: SeenRequest, response: ServerResponse) => void;

export async function startFakeApiServer(
  behave: Behaviour,
  options: Partial<KubeClientOptions> = {},
  beforeClient: (url: string) => void = () => {},
): Promise<FakeApiServer> {
  const seen: SeenRequest[] = [];
  const server = await listen((incoming, response) => {
    read(incoming).then(
      (request) => {
        seen.push(request);
        behave(request, response);
      },
      // The client has gone before its request was whole.
      () => response.destroy(),
    );
  });
  const { port } = server.address() as AddressInfo;
  const metrics = createKubeMetrics(new Registry());
  const url = `http://127.0.0.1:${port}`;
  beforeClient(url);
  const source = { kubeconfig: kubeconfigFor(url, "t") };
  const client = createKubeClient({ source, metrics, userAgent: "test", ...options });
  return {
    url,
    client,
    metrics,
    seen,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function read(incoming: IncomingMessage): Promise<SeenRequest> {
  let text = "";
  for await (const chunk of incoming) text += String(chunk);
  const url = new URL(incoming.url ?? "/", "http://server");
  const { method = "GET", headers } = incoming;
  return {
    method,
    path: url.pathname,
    query: url.searchParams,
    headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

function listen(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

export function kubeconfigFor(server: string, token: string): string {
  return JSON.stringify({
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
}

export function answer(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** The answer of an API server that refuses. */
export function refuse(response: ServerResponse, code: number, reason: string, headers?: Record<string, string>): void {
  answer(
    response,
    code,
    { kind: "Status", status: "Failure", code, reason, message: `${reason} said the server` },
    headers,
  );
}

export function configMap(name: string, version: number, data: Record<string, string> = {}): ConfigMap {
  const metadata = { namespace: "n", name, uid: `uid-${name}`, resourceVersion: String(version) };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data };
}
