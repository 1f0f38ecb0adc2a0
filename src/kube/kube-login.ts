import { createHash } from "node:crypto";
import type { RequestOptions } from "node:https";
import { HttpMethod, KubeConfig, RequestContext } from "@kubernetes/client-node";
import type { Dispatcher } from "undici";
import { KubeError } from "./kube-error.ts";

/** Where the API server is, and who asks. */
export type KubeSource =
  /** A kubeconfig file, and which of its contexts; default: its current one. */
  | { readonly kubeconfigFile: string; readonly context?: string }
  /** A kubeconfig as text. */
  | { readonly kubeconfig: string; readonly context?: string }
  /** The service account of the pod this runs in. */
  | { readonly inCluster: true };

/** What a request carries, and by which connections it goes. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

export interface KubeLogin extends AsyncDisposable {
  /** With the path prefix that the server may have. */
  readonly server: URL;
  /** The namespace of the context. */
  readonly namespace: string | undefined;
  /** Tokens and certificates as they are now: files that rotate are read again. */
  credentials(): Promise<Credentials>;
  /** Forgets what was read and asked for: the server does not take it any more. */
  renew(): void;
}

/**
 * Reads the configuration with client-node, which knows tokens, certificates, exec plug-ins, OIDC and proxies.
 * It makes a new set of connections for each request, so this keeps one for as long as the certificates are the same.
 */
export function createKubeLogin(source: KubeSource): KubeLogin {
  let config = loadConfig(source);
  const server = serverOf(config, source);
  let dispatcher: Dispatcher | undefined;
  let fingerprint = "";

  async function dispatcherFor(options: RequestOptions): Promise<Dispatcher> {
    const wanted = fingerprintOf(options);
    if (dispatcher && wanted === fingerprint) return dispatcher;
    const context = new RequestContext(server.href, HttpMethod.GET);
    await config.applySecurityAuthentication(context);
    const made = context.getDispatcher();
    if (!made) throw new TypeError("client-node made no connections for a server with a certificate");
    // Requests under way, watches above all, end in their own time.
    void dispatcher?.close();
    // The type of the same undici, by another path.
    dispatcher = made as unknown as Dispatcher;
    fingerprint = wanted;
    return dispatcher;
  }

  return {
    server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    async credentials() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const basic = options.auth && `Basic ${Buffer.from(options.auth).toString("base64")}`;
      const headers = { ...(options.headers as Record<string, string>), ...(basic && { Authorization: basic }) };
      return { headers, dispatcher: await dispatcherFor(options) };
    },
    renew() {
      config = loadConfig(source);
    },
    async [Symbol.asyncDispose]() {
      await dispatcher?.destroy();
    },
  };
}

function loadConfig(source: KubeSource): KubeConfig {
  const config = new KubeConfig();
  if ("inCluster" in source) config.loadFromCluster();
  else if ("kubeconfigFile" in source) config.loadFromFile(source.kubeconfigFile);
  else config.loadFromString(source.kubeconfig);
  if ("context" in source && source.context !== undefined) config.setCurrentContext(source.context);
  return config;
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

function fingerprintOf({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }: RequestOptions): string {
  const hash = createHash("sha256");
  for (const part of [ca, cert, key, pfx, passphrase, rejectUnauthorized, servername]) {
    hash.update(part === undefined ? "none" : Buffer.isBuffer(part) ? part : JSON.stringify(part)).update("\0");
  }
  return hash.digest("hex");
}
