import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Registry } from "prom-client";
import { programFolder } from "../../scripts/cluster/tools.ts";
import { ownCacheFolder } from "../../scripts/setup/folders.mjs";
import type { KubeClient } from "../../src/kube/kube-client.ts";
import { createKubeMetrics } from "../../src/kube/kube-metrics.ts";
import { createReflector, type Reflector } from "../../src/kube/reflector.ts";
import { createLog } from "../../src/log/log.ts";
import { PODS, type Pod, SECRETS, type Secret } from "../../src/operator/kubernetes/kinds.ts";
import { IDENTITY_ANNOTATION, SELECT_MANAGED } from "../../src/operator/kubernetes/labels.ts";
import type { ControlPlane } from "../../test/cluster/control-plane.ts";
import type { StandInAgents } from "./stand-in-agents.ts";

const NODES = 10;
/** Every pod has an address of its own on the loopback, where its stand-in listens. */
const PODS_CIDR = "127.192.0.1/12";

/**
 * Nodes of kwok, which bring every pod up as soon as it is bound to one. Bound they are here, when their Secret is
 * there, for which a kubelet would wait and kwok does not.
 */
export class KwokNodes implements AsyncDisposable {
  readonly failures: unknown[] = [];
  readonly #client: KubeClient;
  readonly #agents: StandInAgents;
  readonly #kwok: ChildProcess;
  readonly #pods: Reflector<Pod>;
  readonly #secrets: Reflector<Secret>;
  /** Uids of pods that are bound, by their keys. */
  readonly #bound = new Map<string, string>();
  #count = 0;

  private constructor(client: KubeClient, kwok: ChildProcess, agents: StandInAgents) {
    this.#client = client;
    this.#agents = agents;
    this.#kwok = kwok.once("exit", (code, signal) => this.failures.push(new Error(`kwok ended: ${code ?? signal}`)));
    const log = createLog({ name: "nodes", level: "silent" });
    const metrics = createKubeMetrics(new Registry());
    const shared = { client, labelSelector: SELECT_MANAGED, log, metrics };
    this.#pods = createReflector({ ...shared, resource: PODS, onChange: (key) => this.#look(key) });
    this.#secrets = createReflector({ ...shared, resource: SECRETS, onChange: () => this.#lookAtAll() });
  }

  static async start(client: KubeClient, { kubeconfig }: ControlPlane, agents: StandInAgents): Promise<KwokNodes> {
    const nodes = { apiVersion: "v1", kind: "Node", plural: "nodes", isNamespaced: false };
    for (let index = 0; index < NODES; index += 1) {
      await client.create(nodes, { apiVersion: "v1", kind: "Node", metadata: { name: nodeName(index) } });
    }
    const stages = join(import.meta.dirname, "kwok-stages.yaml");
    const flags = ["--manage-all-nodes", `--config=${stages}`, `--cidr=${PODS_CIDR}`, `--kubeconfig=${kubeconfig}`];
    const kwok = spawn(join(programFolder(ownCacheFolder(), "kwok"), "kwok"), flags, {
      stdio: "ignore",
    });
    await once(kwok, "spawn");
    return new KwokNodes(client, kwok, agents);
  }

  /** With those whose deletion is under way. */
  get pods(): number {
    return this.#pods.list().length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#pods[Symbol.asyncDispose](), this.#secrets[Symbol.asyncDispose]()]);
    if (this.#kwok.exitCode !== null || this.#kwok.signalCode !== null) return;
    this.#kwok.removeAllListeners("exit").kill("SIGKILL");
    await once(this.#kwok, "exit");
  }

  /** Secrets come after their pods: those that wait for one are few. */
  #lookAtAll(): void {
    for (const { metadata } of this.#pods.list()) {
      if (!this.#bound.has(`${metadata.namespace}/${metadata.name}`))
        this.#look(`${metadata.namespace}/${metadata.name}`);
    }
  }

  #look(key: string): void {
    const pod = this.#pods.get(key);
    if (!pod || pod.metadata.deletionTimestamp !== undefined) {
      const uid = this.#bound.get(key);
      this.#bound.delete(key);
      if (uid !== undefined) this.#agents.remove(uid);
      return;
    }
    const { uid = "", namespace = "", annotations } = pod.metadata;
    const secret = this.#secrets.get(`${namespace}/${annotations?.[IDENTITY_ANNOTATION] ?? ""}`);
    if (!secret?.data || this.#bound.has(key)) return;
    this.#bound.set(key, uid);
    const read = (name: string) => Buffer.from(secret.data?.[name] ?? "", "base64").toString();
    this.#agents.add(uid, { key: read("tls.key"), certificate: read("tls.crt") });
    this.#bind(pod).catch((error) => this.failures.push(error));
  }

  async #bind({ metadata: { name = "", namespace = "" } }: Pod): Promise<void> {
    const bindings = { apiVersion: "v1", kind: "Binding", plural: "bindings", isNamespaced: true };
    const target = { kind: "Node", name: nodeName(this.#count++ % NODES) };
    await this.#client.create(bindings, { apiVersion: "v1", kind: "Binding", metadata: { name, namespace }, target });
  }
}

function nodeName(index: number): string {
  return `kwok-${index}`;
}
