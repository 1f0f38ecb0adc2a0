import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Fields, instance, type Manifest } from "./manifest-builders.ts";

/**
 * A manifest that is right in itself, and wrong beside what else there is, or is not. The API server takes it; within
 * 2 s the operator shows why it cannot be, as the condition Ready with status False.
 */
export interface ShownAsCondition {
  readonly what: string;
  readonly at: "condition";
  readonly manifest: Manifest;
  /** What has to be there first. */
  readonly beside: readonly Manifest[];
  /** `nodes`: only a cluster with nodes and a scheduler says so; `api`: the farm's API with its store. */
  readonly needs: readonly ("nodes" | "api")[];
  readonly reason: string;
  /** To the letter, with NAMESPACE for the namespace; or what the message of Kubernetes itself says among other things. */
  readonly message: string | RegExp;
}

const DIGEST = "9f2c".padEnd(64, "0");

const image = (board: string) => readFileSync(join(import.meta.dirname, `../../../examples/images/${board}/hello.elf`));
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const own = image("mps2-an385");
const foreign = image("arm-virt");

interface Case extends Pick<ShownAsCondition, "reason" | "message"> {
  readonly spec: Fields;
  readonly beside?: readonly Manifest[];
  readonly needs?: ShownAsCondition["needs"];
}

const shown = (what: string, { spec, beside = [], needs = [], reason, message }: Case): ShownAsCondition => ({
  what,
  at: "condition",
  manifest: instance(spec),
  beside,
  needs,
  reason,
  message,
});

const configMap = (data: Record<string, string>): Manifest => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "images" },
  data,
});

const foreignService: Manifest = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "sensor-01" },
  spec: { ports: [{ port: 80 }] },
};

const noPods: Manifest = {
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "no-pods" },
  spec: { hard: { pods: "0" } },
};

const FIRMWARE: readonly ShownAsCondition[] = [
  shown("a ConfigMap that there is not", {
    spec: { firmware: { configMap: { name: "images", key: "app.elf" } } },
    reason: "ConfigMapNotFound",
    message: "There is no ConfigMap images in the namespace.",
  }),
  shown("a key that the ConfigMap has not", {
    spec: { firmware: { configMap: { name: "images", key: "app.elf" } } },
    beside: [configMap({ "other.elf": "" })],
    reason: "ConfigMapKeyNotFound",
    message: "ConfigMap images has no key app.elf; it has other.elf.",
  }),
  shown("an artifact that the store has not", {
    spec: { firmware: { artifact: DIGEST } },
    needs: ["api"],
    reason: "FirmwareUnknown",
    message: `The store has no firmware ${DIGEST}. Upload it first (PUT /v1/firmware/${DIGEST}).`,
  }),
  shown("a digest that the bytes have not", {
    spec: { firmware: { inline: own.toString("base64"), sha256: DIGEST } },
    needs: ["api"],
    reason: "DigestMismatch",
    message: `The bytes have SHA-256 ${sha256(own)}, not ${DIGEST} as was said. Nothing was stored.`,
  }),
  shown("firmware for another CPU", {
    spec: { firmware: { inline: foreign.toString("base64") } },
    needs: ["api"],
    reason: "FirmwareArchitecture",
    message: `The firmware ${sha256(foreign)} is built for aarch64 64-bit; board mps2-an385 runs arm 32-bit.`,
  }),
  shown("firmware of a metadata service", {
    spec: { firmware: { url: "http://169.254.169.254/latest/meta-data" } },
    needs: ["api"],
    reason: "FirmwareSourceRefused",
    message:
      "The farm does not fetch firmware from http://169.254.169.254/latest/meta-data: 169.254.169.254 is for the local link, where metadata services are.",
  }),
];

const PODS: readonly ShownAsCondition[] = [
  shown("a quota that lets no pod in", {
    spec: {},
    beside: [noPods],
    needs: ["nodes"],
    reason: "Forbidden",
    message: /exceeded quota: no-pods, requested: pods=1, used: pods=\d+, limited: pods=0/,
  }),
  shown("requests above limits", {
    spec: { podTemplate: { resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } } },
    reason: "Invalid",
    message:
      /spec\.containers\[0\]\.resources\.requests: Invalid value: "2": must be less than or equal to cpu limit of 1/,
  }),
  shown("a PriorityClass that there is not", {
    spec: { podTemplate: { priorityClassName: "urgent" } },
    reason: "Forbidden",
    message: /no PriorityClass with name urgent was found/,
  }),
  shown("a RuntimeClass that there is not", {
    spec: { podTemplate: { runtimeClassName: "gvisor" } },
    reason: "Forbidden",
    message: /RuntimeClass "gvisor" not found/,
  }),
  shown("a node that there is not", {
    spec: { podTemplate: { nodeSelector: { "kubernetes.io/hostname": "nowhere" } } },
    needs: ["nodes"],
    reason: "Unschedulable",
    message: /node\(s\) didn't match Pod's node affinity\/selector/,
  }),
  shown("a volume that there is not", {
    spec: { storage: { persistentVolumeClaim: { claimName: "flash" } } },
    needs: ["nodes"],
    reason: "Unschedulable",
    message: /persistentvolumeclaim "flash" not found/,
  }),
];

export const SHOWN_AS_CONDITION: readonly ShownAsCondition[] = [
  shown("a board that there is not", {
    spec: { board: "microbits" },
    reason: "BoardNotFound",
    message:
      "There is no Board microbits in namespace NAMESPACE, nor a ClusterBoard of that name. Did you mean microbit?",
  }),
  shown("a channel that the board has not", {
    spec: { channels: [{ name: "uart9", tcp: true }] },
    reason: "ChannelUnknown",
    message: /^Board mps2-an385 has no channel uart9; it has .*uart0, uart0-rfc2217, uart1, .*qmp, monitor, gdb\.$/,
  }),
  shown("a Service of somebody else's", {
    spec: {},
    beside: [foreignService],
    reason: "ServiceNameTaken",
    message:
      "A Service sensor-01 is there already and belongs to somebody else. Delete it, or name the instance otherwise.",
  }),
  ...FIRMWARE,
  ...PODS,
];
