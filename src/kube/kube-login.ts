import { createHash } from "node:crypto";
import type { AgentOptions, RequestOptions } from "node:https";
import { HttpMethod, type KubeConfig, RequestContext } from "@kubernetes/client-node";
import { Agent, type Dispatcher, ProxyAgent } from "undici";
import { type KubeSource, loadKubeConfig } from "./kube-config.ts";
import { KubeError } from "./kube-error.ts";

const CONNECT_MS = 5_000;

/** What a request carries, and by which connections it goes. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

export interface KubeLogin extends AsyncDisposable {
  /** With the path prefix that the server may have. */
  readonly server: URL;
  /** Name of the context; of a service account's pod client-node's own. */
  readonly context: string;
  /** The namespace of the context. */
  readonly namespace: string | undefined;
  /** Tokens and certificates as they are now: files that rotate are read again. */
  credentials(): Promise<Credentials>;
  /** The same for a WebSocket, which brings its own connection. */
  webSocketOptions(): Promise<RequestOptions>;
  /** Forgets what was read and asked for: the server does not take it any more. */
  renew(): void;
}

/**
 * Reads the configuration with client-node, which knows tokens, certificates, exec plug-ins, OIDC and proxies.
 * It makes a new set of connections for each request, so this keeps one for as long as the certificates are the same.
 */
export function createKubeLogin(source: KubeSource): KubeLogin {
  let config = loadKubeConfig(source);
  const server = serverOf(config, source);
  let dispatcher: Dispatcher | undefined;
  let fingerprint: string | undefined;

  async function dispatcherFor(options: RequestOptions): Promise<Dispatcher> {
    const wanted = fingerprintOf(options);
    if (dispatcher && wanted === fingerprint) return dispatcher;
    // Requests under way, watches above all, end in their own time.
    void dispatcher?.close();
    dispatcher = await makeDispatcher(config, options);
    fingerprint = wanted;
    return dispatcher;
  }

  return {
    server,
    context: config.getCurrentContext(),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    async credentials() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const basic = options.auth && `Basic ${Buffer.from(options.auth).toString("base64")}`;
      const headers = { ...(options.headers as Record<string, string>), ...(basic && { Authorization: basic }) };
      return { headers, dispatcher: await dispatcherFor(options) };
    },
    async webSocketOptions() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return options;
    },
    renew() {
      config = loadKubeConfig(source);
    },
    async [Symbol.asyncDispose]() {
      await dispatcher?.destroy();
    },
  };
}

/**
 * HTTP/1.1: of all streams on one HTTP/2 connection, undici 8 leaves the error of some without a listener when the
 * server dies, which ends the process.
 */
async function makeDispatcher(config: KubeConfig, options: RequestOptions): Promise<Dispatcher> {
  const cluster = config.getCurrentCluster();
  // Refuses to send a login over plain HTTP.
  const { type } = config.createDispatcherOptions(cluster, options as AgentOptions);
  const tls = tlsOf(options);
  const connect = { ...tls, keepAlive: true, keepAliveInitialDelay: 30_000, timeout: CONNECT_MS, allowH2: false };
  if (type === "agent" || type === "none") return new Agent({ allowH2: false, connect });
  if (type === "proxy") return new ProxyAgent({ uri: cluster?.proxyUrl ?? "", requestTls: tls, allowH2: false });
  // A SOCKS proxy's connections are client-node's own, and HTTP/1.1 as they are.
  const context = new RequestContext(cluster?.server ?? "", HttpMethod.GET);
  await config.applySecurityAuthentication(context);
  // The type is of the same undici, by another path.
  return context.getDispatcher() as unknown as Dispatcher;
}

function serverOf(config: KubeConfig, source: KubeSource): URL {
  const server = config.getCurrentCluster()?.server;
  if (server !== undefined && URL.canParse(server)) return new URL(server);
  const message =
    "inCluster" in source
      ? "this does not run in a pod of a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"
      : `the kubeconfig names no server for the context "${config.getCurrentContext()}"`;
  throw new KubeError({ status: 0, reason: "NoServer", message });
}

/** The part of the options that makes connections. */
function tlsOf(options: RequestOptions) {
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
  const all = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function fingerprintOf(options: RequestOptions): string {
  const hash = createHash("sha256");
  for (const [name, part] of Object.entries(tlsOf(options))) {
    hash.update(`${name}\0`).update(Buffer.isBuffer(part) ? part : JSON.stringify(part));
  }
  return hash.digest("hex");
}
