import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { KubeError } from "../../kube/kube-error.ts";
import type { ForwardTarget } from "../../kube/port-forward.ts";
import type { FarmAddress } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import { isReady, PODS, type Pod, SECRETS, SERVICES, type Service, secretText } from "./cluster-objects.ts";
import { type Cluster, openCluster } from "./open-cluster.ts";

const API_SELECTOR = "app.kubernetes.io/part-of=emufarm,app.kubernetes.io/component=api";
/** Where the chart puts the token in the API's pod: its source is the Secret. */
const TOKEN_PATH = "api/token";

/**
 * The way to the API of the farm in a cluster: a port of this machine that leads to its pod, through the API server.
 * It goes with the process.
 * @throws {FarmError} NotFound where the cluster has no farm that one may see; Forbidden; NoCluster
 */
export async function clusterFarm(surroundings: Surroundings, options: FarmOptions): Promise<FarmAddress> {
  const token = await chosenToken(surroundings, options);
  return await farmIn(await openCluster(surroundings, options), { token });
}

/**
 * A farm behind a URL, for whoever logs in to the cluster with a token: what is in the kubeconfig that was named goes to
 * the farm that was named.
 * @throws {FarmError} InvalidRequest where the token would go over an open line; Unauthenticated without one
 */
export async function farmBehind(
  surroundings: Surroundings,
  address: string,
  options: FarmOptions,
): Promise<FarmAddress> {
  const { protocol, hostname } = new URL(address);
  if (protocol !== "https:" && !["localhost", "127.0.0.1", "[::1]"].includes(hostname)) {
    const problems = `${address} is no https URL: the cluster's token is not sent over an open line`;
    throw new FarmError("InvalidRequest", { problems });
  }
  const { kube, namespace } = await openCluster(surroundings, options);
  if ((await kube.bearerToken()) === undefined) throw new FarmError("LoginNeeded", {});
  return { address, token: async () => (await kube.bearerToken()) ?? "", namespace };
}

interface FarmChoice {
  /** Of the farm, where one was passed. */
  readonly token?: string | undefined;
  /** The farm's own, where it is known; default: that of the cluster's options. */
  readonly farmNamespace?: string | undefined;
}

export async function farmIn(cluster: Cluster, { token, farmNamespace }: FarmChoice = {}): Promise<FarmAddress> {
  const service = await findService(cluster, farmNamespace ?? cluster.namespace);
  const { namespace = "", name = "" } = service.metadata;
  const login = token === undefined ? await loginFor(cluster, service) : { token };
  const forwarded = await cluster.ask(`Service ${name} in namespace ${namespace}`, (kube) =>
    kube.forward(() => targetOf(cluster, service)),
  );
  const start = `kubectl --namespace ${namespace} rollout status deployment/${name}`;
  return { address: `http://127.0.0.1:${forwarded.port}`, ...login, start };
}

/** The API of the namespace, or else of the only one in the cluster. */
async function findService(cluster: Cluster, namespace: string): Promise<Service> {
  const near = await servicesIn(cluster, namespace);
  const found = near.length > 0 ? near : await servicesIn(cluster, undefined);
  const [service] = found;
  if (service && found.length === 1) return service;
  if (service === undefined) {
    const name = `in namespace ${cluster.namespace}, nor in another where you may look; --namespace names the farm's`;
    throw new FarmError("NotFound", { kind: "farm", name });
  }
  const places = found.map(({ metadata }) => metadata.namespace).join(", ");
  throw new FarmError("InvalidRequest", {
    problems: `there are farms in the namespaces ${places}; choose: --namespace`,
  });
}

async function servicesIn(cluster: Cluster, namespace: string | undefined): Promise<readonly Service[]> {
  const selection = { labelSelector: API_SELECTOR, ...(namespace !== undefined && { namespace }) };
  return await cluster.ask("Services", async ({ client }) => {
    try {
      return (await client.list(SERVICES, selection)).items;
    } catch (error) {
      // Where one may not look there is no farm for oneself.
      if (error instanceof KubeError && error.status === 403) return [];
      throw error;
    }
  });
}

/** A pod of the Service that answers now: each connection may find another. */
async function targetOf({ kube }: Cluster, { metadata, spec }: Service): Promise<ForwardTarget> {
  const { namespace = "", name = "" } = metadata;
  const pod = (await podsOf(kube, namespace, spec?.selector)).find(isReady);
  if (!pod) {
    const message = `no pod of Service ${name} in namespace ${namespace} is ready: kubectl -n ${namespace} get pods`;
    throw new KubeError({ status: 0, reason: "NoReadyPod", message });
  }
  const port = spec?.ports?.find((one) => one.name === "http") ?? spec?.ports?.[0];
  const wanted = port?.targetPort ?? port?.port ?? 0;
  const ports = pod.spec?.containers?.flatMap((container) => container.ports ?? []) ?? [];
  const named = ports.find((one) => one.name === wanted)?.containerPort;
  return { namespace, pod: pod.metadata.name ?? "", port: named ?? Number(wanted) };
}

async function podsOf(
  { client }: Cluster["kube"],
  namespace: string,
  selector: Readonly<Record<string, string>> = {},
): Promise<readonly Pod[]> {
  const labelSelector = Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  return (await client.list(PODS, { namespace, labelSelector })).items;
}

async function chosenToken({ cwd, env }: Surroundings, options: FarmOptions): Promise<string | undefined> {
  const tokenFile = options.tokenFile ?? env.EMUFARM_TOKEN_FILE;
  if (tokenFile === undefined) return undefined;
  try {
    return (await readFile(resolve(cwd, tokenFile), "utf8")).trim();
  } catch (cause) {
    throw new FarmError("Unauthenticated", { tokenFile }, { cause });
  }
}

/** The kubeconfig's own token, or the farm's, for those who log in otherwise and may read its Secret. */
async function loginFor(cluster: Cluster, service: Service): Promise<Pick<FarmAddress, "token" | "namespace">> {
  const { kube, namespace } = cluster;
  if ((await kube.bearerToken()) === undefined) return { token: await farmToken(cluster, service) };
  return { token: async () => (await kube.bearerToken()) ?? "", namespace };
}

async function farmToken(cluster: Cluster, service: Service): Promise<string> {
  const { namespace = "", name = "" } = service.metadata;
  const pods = await cluster.ask("Pods", (kube) => podsOf(kube, namespace, service.spec?.selector));
  const source = pods.map(tokenSource).find((one) => one !== undefined);
  if (source === undefined) {
    throw new FarmError("FarmNotRunning", {
      address: `Service ${name} in namespace ${namespace}`,
      start: "install it",
    });
  }
  const secret = await cluster.ask(`Secret ${source.name}`, async ({ client }) => {
    try {
      return await client.get(SECRETS, source.name, namespace);
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 403) throw error;
      const where = `Secret ${source.name} in namespace ${namespace}, which has the farm's token`;
      const problem = `you may not read ${where}; --token-file passes one that you were given`;
      throw new FarmError("Forbidden", { problem }, { cause: error });
    }
  });
  const token = secret && secretText(secret, source.key);
  if (token) return token.trim();
  throw new FarmError("NotFound", { kind: "Secret", name: `${source.name} in namespace ${namespace}` });
}

function tokenSource({ spec }: Pod): { name: string; key: string } | undefined {
  const sources = spec?.volumes?.flatMap(({ projected }) => projected?.sources ?? []) ?? [];
  for (const { secret } of sources) {
    const item = secret?.items?.find(({ path }) => path === TOKEN_PATH);
    if (secret && item) return { name: secret.name, key: item.key };
  }
  return undefined;
}
