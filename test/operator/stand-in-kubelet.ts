import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Registry } from "prom-client";
import { openAgentKeys } from "../../src/api/agents/agent-keys.ts";
import { type AgentClient, createAgentClient } from "../../src/client/agent-client.ts";
import type { KubeClient } from "../../src/kube/kube-client.ts";
import { createKubeMetrics } from "../../src/kube/kube-metrics.ts";
import { createReflector, type Reflector } from "../../src/kube/reflector.ts";
import { createLog } from "../../src/log/log.ts";
import { CONFIG_MAPS, PODS, type Pod, SECRETS, type Secret } from "../../src/operator/kubernetes/kinds.ts";
import { IDENTITY_ANNOTATION, SELECT_MANAGED } from "../../src/operator/kubernetes/labels.ts";
import { emulatorsUnder } from "../agent/attempt/agent-lab.ts";

const AGENT = join(import.meta.dirname, "../../src/agent/main.ts");
const NODE = "stand-in";
/** The operator that makes it may have to be started first. */
const SECRET_MS = 60_000;

interface RunningPod {
  readonly pod: Pod;
  readonly keysFile: string;
  readonly folder: string;
  readonly child: ChildProcess;
  readonly address: string;
}

/**
 * Does for pods what a node would: binds them, starts the agent of each as a process on the loopback, with the identity
 * of the pod's own Secret, tells its status, and lets a deleted pod go when its agent has ended.
 */
export class StandInKubelet implements AsyncDisposable {
  readonly #client: KubeClient;
  readonly #pods = new Map<string, RunningPod>();
  readonly #known = new Set<string>();
  readonly #callers = mkdtempSync(join(tmpdir(), "sk-"));
  /** Tests that run side by side take different ones. */
  readonly #network = 64 + (process.pid % 128);
  #addresses = 0;
  readonly #reflector: Reflector<Pod>;
  #work: Promise<unknown> = Promise.resolve();
  readonly failures: unknown[] = [];
  /** What agents that are started from now on have in their environment beside the farm's settings. */
  agentSurroundings: Readonly<Record<string, string>> = {};

  constructor(client: KubeClient) {
    this.#client = client;
    this.#reflector = createReflector({
      client,
      resource: PODS,
      labelSelector: SELECT_MANAGED,
      onChange: (key) => this.#enqueue(key),
      log: createLog({ name: "kubelet", level: "silent" }),
      metrics: createKubeMetrics(new Registry()),
    });
  }

  /** Calls the agent as the farm's dispatcher does, with its keys. */
  async clientOf(podUid: string): Promise<AgentClient> {
    const running = this.#pods.get(podUid);
    if (!running) throw new Error(`no agent runs for pod ${podUid}`);
    const secret = await this.#client.get(SECRETS, "emufarm-agents-dispatcher", "default");
    const keys = await this.#client.get(CONFIG_MAPS, "emufarm-agents", "default");
    // It outlives the pod, as the dispatcher does.
    const folder = join(this.#callers, podUid);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "signing.json"), Buffer.from(secret?.data?.["signing.json"] ?? "", "base64"));
    writeFileSync(join(folder, "ca.crt"), keys?.data?.["ca.crt"] ?? "");
    return createAgentClient({
      address: running.address,
      ...(await openAgentKeys(folder).credentialsFor(running.pod)),
    });
  }

  /** Kills an agent, and no node starts it again. */
  async killAgent(podUid: string): Promise<void> {
    const running = this.#pods.get(podUid);
    if (!running) return;
    running.child.kill("SIGKILL");
    await once(running.child, "exit");
  }

  /** An agent that hangs: its connections stay open, and nothing answers. Thawed before the end of the test. */
  freezeAgent(podUid: string): void {
    this.#pods.get(podUid)?.child.kill("SIGSTOP");
  }

  thawAgent(podUid: string): void {
    this.#pods.get(podUid)?.child.kill("SIGCONT");
  }

  async emulators(): Promise<number[]> {
    return (await Promise.all([...this.#pods.values()].map(({ folder }) => emulatorsUnder(folder)))).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reflector[Symbol.asyncDispose]();
    await this.#work;
    for (const uid of [...this.#pods.keys()]) await this.#end(uid);
    rmSync(this.#callers, { recursive: true, force: true });
  }

  #enqueue(key: string): void {
    this.#work = this.#work.then(() => this.#sync(key)).catch((error) => this.failures.push(error));
  }

  async #sync(key: string): Promise<void> {
    const pod = this.#reflector.get(key);
    if (!pod) {
      const uids = new Set(this.#reflector.list().map(({ metadata }) => metadata.uid));
      for (const uid of this.#pods.keys()) if (!uids.has(uid)) await this.#end(uid);
      return;
    }
    const { uid = "", name = "", namespace = "", deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined) {
      await this.#end(uid);
      await this.#client.delete(PODS, name, namespace, { uid, gracePeriodSeconds: 0 });
    } else if (!this.#known.has(uid)) {
      this.#known.add(uid);
      await this.#start(pod);
    }
  }

  async #start(pod: Pod): Promise<void> {
    const { uid = "", name = "", namespace = "", annotations } = pod.metadata;
    const binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, namespace },
      target: { kind: "Node", name: NODE },
    };
    const bindings = { apiVersion: "v1", kind: "Binding", plural: "bindings", isNamespaced: true };
    await this.#client.create(bindings, binding);
    const ip = this.#nextAddress();
    const folder = mkdtempSync(join(tmpdir(), "sk-"));
    const identity = join(folder, "identity");
    mkdirSync(identity);
    const secret = await this.#untilSecret(annotations?.[IDENTITY_ANNOTATION] ?? "", pod);
    for (const [file, base64] of Object.entries(secret?.data ?? {})) {
      writeFileSync(join(identity, file), Buffer.from(base64, "base64"));
    }
    const keysFile = join(folder, "keys.json");
    await this.#mountKeys(namespace, keysFile);
    const child = spawn(process.execPath, [AGENT], {
      env: {
        PATH: process.env.PATH ?? "",
        EMUFARM_QEMU_PATH: process.env.EMUFARM_QEMU_PATH ?? "",
        EMUFARM_LISTEN: `tcp:${ip}:8080`,
        EMUFARM_ALLOWED_HOSTS: ip,
        EMUFARM_TOKEN_KEYS: keysFile,
        EMUFARM_TOKEN_AUDIENCE: uid,
        ...(secret?.data?.token !== undefined && { EMUFARM_TOKEN_FILE: join(identity, "token") }),
        EMUFARM_TLS_KEY_FILE: join(identity, "tls.key"),
        EMUFARM_TLS_CERTIFICATE_FILE: join(identity, "tls.crt"),
        EMUFARM_RUNTIME_DIR: join(folder, "run"),
        EMUFARM_DATA: join(folder, "data"),
        EMUFARM_CACHE: join(tmpdir(), "emufarm-test-cache"),
        EMUFARM_SLOTS: envOf(pod, "EMUFARM_SLOTS"),
        ...this.agentSurroundings,
      },
      stdio: ["pipe", "ignore", "pipe"],
    });
    await listening(child);
    this.#pods.set(uid, { pod, folder, keysFile, child, address: `https://${ip}:8080` });
    const conditions = [
      { type: "PodScheduled", status: "True" },
      { type: "Ready", status: "True" },
    ];
    const status = { phase: "Running", podIP: ip, conditions };
    await this.#client.patch(PODS, name, namespace, { metadata: { uid }, status }, { subresource: "status" });
  }

  /** A kubelet tries again, too, for as long as there is the pod. */
  async #untilSecret(
    secretName: string,
    { metadata: { name = "", namespace = "" } }: Pod,
  ): Promise<Secret | undefined> {
    const deadlineMs = performance.now() + SECRET_MS;
    for (;;) {
      const secret = await this.#client.get(SECRETS, secretName, namespace);
      const present = this.#reflector.get(`${namespace}/${name}`);
      const isWanted = present !== undefined && present.metadata.deletionTimestamp === undefined;
      if (secret || !isWanted || performance.now() > deadlineMs) return secret;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** As a node does it a while after the ConfigMap has changed. */
  async mountKeysAgain(): Promise<void> {
    for (const { pod, keysFile } of this.#pods.values()) {
      await this.#mountKeys(pod.metadata.namespace ?? "", keysFile);
    }
  }

  async #mountKeys(namespace: string, file: string): Promise<void> {
    const found = await this.#client.get(CONFIG_MAPS, "emufarm-agents", namespace);
    writeFileSync(`${file}.new`, found?.data?.["keys.json"] ?? "");
    renameSync(`${file}.new`, file);
  }

  /** The whole of 127.0.0.0/8 is this machine: each pod has an address of its own in it, as on a cluster. */
  #nextAddress(): string {
    this.#addresses += 1;
    return `127.${this.#network}.${this.#addresses >> 8}.${this.#addresses & 255}`;
  }

  async #end(uid: string): Promise<void> {
    const running = this.#pods.get(uid);
    if (!running) return;
    this.#pods.delete(uid);
    const { child, folder } = running;
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    for (const pid of await emulatorsUnder(folder)) process.kill(pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

async function listening(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let log = "";
  child.once("exit", (code) => reject(new Error(`the agent ended with ${code}: ${log}`)));
  if (child.stderr) {
    createInterface({ input: child.stderr }).on("line", (line) => {
      log += `${line}\n`;
      if (line.includes("agent is up")) resolve();
    });
  }
  return promise;
}

function envOf(pod: Pod, name: string): string {
  const [container] = (pod.spec?.containers as { env: { name: string; value?: string }[] }[] | undefined) ?? [];
  return container?.env.find((one) => one.name === name)?.value ?? "1";
}
