import { FarmError } from "../../core/error/farm-error.ts";
import type { Finding } from "../command/finding.ts";
import { DEPLOYMENTS, PODS, type Pod, SERVICES } from "./cluster-objects.ts";
import type { Cluster } from "./open-cluster.ts";

const SUBJECT = "network";
const PART_OF = "app.kubernetes.io/part-of=emufarm";
const END_MS = 60_000;

/** Dials each address, and leaves what came of it where the kubelet finds it. In the farm's image there is Node, and no shell. */
const PROGRAM = `
const { connect } = require("node:net");
const dial = (address) => new Promise((resolve) => {
  const [host, port] = address.split(":");
  const socket = connect({ host, port: Number(port) });
  const end = (word) => { socket.destroy(); resolve(word); };
  socket.setTimeout(5000, () => end("refused")).once("connect", () => end("reached")).once("error", () => end("refused"));
});
Promise.all(process.argv.slice(1).map(dial)).then((words) =>
  require("node:fs").writeFileSync("/dev/termination-log", words.join(" ")));
`;

/**
 * Whether the cluster's network heeds policies: a pod that no policy of the farm lets in dials the farm's Redis, and its
 * API for comparison. Makes that pod in the farm's namespace, and takes it away again.
 */
export async function networkFinding(cluster: Cluster): Promise<Finding> {
  const found = await findFarm(cluster);
  if (typeof found === "string") return { level: "warn", subject: SUBJECT, text: `policies were not probed: ${found}` };
  let words: readonly string[];
  try {
    words = (await runProbe(cluster, found)).split(" ");
  } catch (error) {
    const { message } = FarmError.from(error);
    return { level: "warn", subject: SUBJECT, text: `policies could not be probed: ${message}` };
  }
  const [redis, api] = words;
  if (redis === "reached") {
    const text = `policies are not enforced: any pod reaches the farm's Redis (${found.redis})`;
    const advice = "the cluster's network needs a plug-in that heeds NetworkPolicy, such as Cilium or Calico";
    return { level: "fail", subject: SUBJECT, text, advice };
  }
  if (api === "reached") {
    return {
      level: "ok",
      subject: SUBJECT,
      text: "policies are enforced: a pod without a right to Redis does not reach it",
    };
  }
  const text = "a pod reaches neither the farm's Redis nor its API: policies, or a network that is broken";
  return { level: "warn", subject: SUBJECT, text, advice: "networkPolicies.apiFrom may keep it from the API" };
}

interface Probed {
  readonly namespace: string;
  readonly image: string;
  readonly pullSecrets: readonly object[];
  readonly redis: string;
  readonly api: string;
}

/** What there is to dial, or why there is nothing. */
async function findFarm({ ask }: Cluster): Promise<Probed | string> {
  const [deployments, services] = await ask("the farm", ({ client }) =>
    Promise.all([
      client.list(DEPLOYMENTS, { labelSelector: `${PART_OF},app.kubernetes.io/component=api` }),
      client.list(SERVICES, { labelSelector: PART_OF }),
    ]),
  );
  const [deployment] = deployments.items;
  const pod = deployment?.spec?.template?.spec;
  const image = pod?.containers?.[0]?.image;
  const { namespace = "" } = deployment?.metadata ?? {};
  if (image === undefined) return "there is no farm in the cluster";
  const addressOf = (component: string) => {
    const service = services.items.find(
      ({ metadata }) =>
        metadata.namespace === namespace && metadata.labels?.["app.kubernetes.io/component"] === component,
    );
    return service && `${service.metadata.name}.${namespace}.svc:${service.spec?.ports?.[0]?.port}`;
  };
  const [redis, api] = [addressOf("redis"), addressOf("api")];
  if (redis === undefined || api === undefined) return "its Redis is not the farm's own";
  return { namespace, image, pullSecrets: pod?.imagePullSecrets ?? [], redis, api };
}

async function runProbe({ ask }: Cluster, { namespace, image, pullSecrets, redis, api }: Probed): Promise<string> {
  const name = `emufarm-doctor-${process.pid}-${Date.now().toString(36)}`;
  const what = `Pod ${name} in namespace ${namespace}`;
  const container = {
    name: "probe",
    image,
    imagePullPolicy: image.startsWith("localhost/") ? "Never" : "IfNotPresent",
    command: ["/usr/bin/node", "-e", PROGRAM, redis, api],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "128Mi" } },
  };
  const spec = {
    restartPolicy: "Never",
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    activeDeadlineSeconds: END_MS / 1_000,
    imagePullSecrets: pullSecrets,
    securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: "RuntimeDefault" } },
    containers: [container],
  };
  const made = await ask(what, ({ client }) =>
    client.create(PODS, { apiVersion: "v1", kind: "Pod", metadata: { name, namespace }, spec } as Pod),
  );
  const { resourceVersion = "" } = made.metadata;
  try {
    const signal = AbortSignal.timeout(END_MS);
    const lasts = { timeoutSeconds: END_MS / 1_000, inactivityMs: END_MS, signal };
    const selection = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion, ...lasts };
    return await ask(what, async ({ client }) => {
      for await (const { object } of client.watch(PODS, selection)) {
        const ended = object.status?.containerStatuses?.[0]?.state?.terminated;
        if (ended?.message) return ended.message;
        if (ended || object.status?.phase === "Failed") break;
      }
      throw new FarmError("ClusterRefused", { what, problem: "it did not run, or not in time" });
    });
  } finally {
    await ask(what, ({ client }) => client.delete(PODS, name, namespace, { gracePeriodSeconds: 0 }));
  }
}
