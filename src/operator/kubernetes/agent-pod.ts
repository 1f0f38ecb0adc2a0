import { FARM_ANNOTATION, SIGNED, TOKENS_ANNOTATION } from "../../client/agent-identity.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import type { InstanceStorage } from "../../core/schema/instance-storage.ts";
import type { PodTemplate } from "../../core/schema/pod-template.ts";
import type { OwnerReference } from "../../kube/kube-object.ts";
import type { TrustMounts } from "../trust/agent-trust.ts";
import { claimName } from "./instance-claim.ts";
import type { Pod } from "./kinds.ts";
import { AGENT_LABELS, IDENTITY_ANNOTATION } from "./labels.ts";

export const AGENT_PORT = 8_080;

/** How agents run, whatever board they run. */
export interface AgentImage {
  readonly image: string;
  readonly pullPolicy: "Always" | "IfNotPresent" | "Never";
  readonly pullSecrets: readonly string[];
  /** The farm's own. */
  readonly farmNamespace: string;
  /** How it knows its callers. */
  readonly trust: TrustMounts;
}

export interface AgentPodOptions {
  readonly agent: AgentImage;
  readonly owner: OwnerReference;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly template: PodTemplate;
  readonly slots: number;
  /** Names that the agent is called by, apart from its address. */
  readonly hosts: readonly string[];
  readonly resources: AgentResources;
  /** Raw ports, for people who look at the pod. */
  readonly ports: readonly { readonly port: number }[];
  readonly storage?: InstanceStorage | undefined;
  /** Programs that the agent will need, where that is known. */
  readonly emulators?: readonly string[];
  /** Name of the Secret with the agent's identity. */
  readonly identity: string;
}

export interface AgentResources {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
}

/** What the agent itself needs, beside its emulators. */
const AGENT_MEMORY_MIB = 160;
const CPU_MILLIS_PER_CPU = 100;
/** The user of the agent's image, which has no name. */
const AGENT_USER = 65_532;
const DEFAULT_GRACE_SECONDS = 30;
/** A board is wanted elsewhere soon when its node is gone; the cluster's own patience is five minutes. */
const NODE_PATIENCE_SECONDS = 5;
const IDENTITY_FOLDER = "/etc/emufarm/identity";
const KEYS_FOLDER = "/etc/emufarm/keys";

/** What a pod for so many boards of this kind needs. */
export function resourcesOf(board: BoardSpec, slots = 1): AgentResources {
  return {
    cpuMillis: CPU_MILLIS_PER_CPU * board.emulator.cpus * slots,
    memoryMiB: AGENT_MEMORY_MIB + (board.memory.ramMiB + board.overheadMiB) * slots,
  };
}

/** A pod that runs an agent and nothing else: Pod Security `restricted`, without a token of the cluster. It has no name yet. */
export function agentPod(options: AgentPodOptions): Pod {
  const { agent, template, namespace } = options;
  const secrets = [...agent.pullSecrets.map((secret) => ({ name: secret })), ...(template.imagePullSecrets ?? [])];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      namespace,
      labels: { ...template.labels, ...AGENT_LABELS, ...options.labels },
      annotations: {
        ...template.annotations,
        ...options.annotations,
        [IDENTITY_ANNOTATION]: options.identity,
        [TOKENS_ANNOTATION]: SIGNED,
        [FARM_ANNOTATION]: agent.farmNamespace,
      },
      ownerReferences: [options.owner],
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: AGENT_USER,
        runAsGroup: AGENT_USER,
        fsGroup: AGENT_USER,
        seccompProfile: { type: "RuntimeDefault" },
      },
      terminationGracePeriodSeconds: template.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
      tolerations: [...(template.tolerations ?? []), ...nodePatience(template)],
      containers: [container(options)],
      volumes: volumes(options),
      ...(secrets.length > 0 && { imagePullSecrets: secrets }),
      ...chosen(template),
    },
  };
}

function chosen({
  nodeSelector,
  affinity,
  topologySpreadConstraints,
  priorityClassName,
  runtimeClassName,
  schedulerName,
}: PodTemplate): object {
  return {
    ...(nodeSelector && { nodeSelector }),
    ...(affinity && { affinity }),
    ...(topologySpreadConstraints && { topologySpreadConstraints }),
    ...(priorityClassName && { priorityClassName }),
    ...(runtimeClassName && { runtimeClassName }),
    ...(schedulerName && { schedulerName }),
  };
}

/** For taints about which the template says nothing itself. */
function nodePatience({ tolerations = [] }: PodTemplate): object[] {
  return ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    .filter((key) => !tolerations.some((one) => one.key === key || one.key === undefined))
    .map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: NODE_PATIENCE_SECONDS }));
}

function container({ agent, template, slots, hosts, resources, ports, emulators }: AgentPodOptions): object {
  const memory = `${resources.memoryMiB}Mi`;
  return {
    name: "agent",
    image: agent.image,
    imagePullPolicy: agent.pullPolicy,
    env: [
      { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "POD_UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
      { name: "EMUFARM_LISTEN", value: `tcp:0.0.0.0:${AGENT_PORT}` },
      { name: "EMUFARM_TOKEN_KEYS", value: `${KEYS_FOLDER}/keys.json` },
      { name: "EMUFARM_TOKEN_AUDIENCE", value: "$(POD_UID)" },
      ...(agent.trust.hasToken ? [{ name: "EMUFARM_TOKEN_FILE", value: `${IDENTITY_FOLDER}/token` }] : []),
      { name: "EMUFARM_TLS_KEY_FILE", value: `${IDENTITY_FOLDER}/tls.key` },
      { name: "EMUFARM_TLS_CERTIFICATE_FILE", value: `${IDENTITY_FOLDER}/tls.crt` },
      { name: "EMUFARM_ALLOWED_HOSTS", value: ["$(POD_IP)", ...hosts].join(",") },
      { name: "EMUFARM_RUNTIME_DIR", value: "/run/emufarm" },
      { name: "EMUFARM_DATA", value: "/data" },
      { name: "EMUFARM_CACHE", value: "/cache" },
      { name: "EMUFARM_SLOTS", value: String(slots) },
      ...(emulators ? [{ name: "EMUFARM_EMULATORS", value: emulators.join(",") }] : []),
    ],
    ports: [
      { name: "http", containerPort: AGENT_PORT, protocol: "TCP" },
      ...ports.map(({ port }) => ({ containerPort: port, protocol: "TCP" })),
    ],
    // Ready within a second of its start, without a probe each second for ever.
    startupProbe: { ...probe("/readyz"), periodSeconds: 1, failureThreshold: 120 },
    readinessProbe: { ...probe("/readyz"), periodSeconds: 5, failureThreshold: 2 },
    livenessProbe: { ...probe("/healthz"), periodSeconds: 20, failureThreshold: 6, timeoutSeconds: 5 },
    resources: {
      requests: { cpu: `${resources.cpuMillis}m`, memory, ...template.resources?.requests },
      limits: { memory, ...template.resources?.limits },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [
      { name: "data", mountPath: "/data" },
      { name: "runtime", mountPath: "/run/emufarm" },
      { name: "cache", mountPath: "/cache" },
      { name: "tmp", mountPath: "/tmp" },
      { name: "identity", mountPath: IDENTITY_FOLDER, readOnly: true },
      { name: "keys", mountPath: KEYS_FOLDER, readOnly: true },
    ],
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}

/** The agent answers to its names only; the kubelet knows none of them. */
function probe(path: string): object {
  return {
    httpGet: { path, port: "http", scheme: "HTTPS", httpHeaders: [{ name: "Host", value: "localhost" }] },
    timeoutSeconds: 2,
  };
}

function volumes({ agent, identity, storage, name }: AgentPodOptions): object[] {
  return [
    { name: "data", ...dataVolume(storage, name) },
    { name: "runtime", emptyDir: {} },
    { name: "cache", emptyDir: {} },
    { name: "tmp", emptyDir: {} },
    { name: "identity", secret: { secretName: identity, defaultMode: 0o440 } },
    { name: "keys", configMap: { name: agent.trust.configMap } },
  ];
}

function dataVolume(storage: InstanceStorage | undefined, instance: string): object {
  if (storage?.persistentVolumeClaim) {
    return { persistentVolumeClaim: { claimName: storage.persistentVolumeClaim.claimName } };
  }
  if (storage?.volumeClaimTemplate) return { persistentVolumeClaim: { claimName: claimName(instance) } };
  const { sizeLimit } = storage?.emptyDir ?? {};
  return { emptyDir: sizeLimit === undefined ? {} : { sizeLimit } };
}
