import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Registry } from "prom-client";
import { definitions } from "../../scripts/images/definition.ts";
import { createKubeClient } from "../../src/kube/create-kube-client.ts";
import { createKubeMetrics } from "../../src/kube/kube-metrics.ts";
import { createReflector, type Reflector } from "../../src/kube/reflector.ts";
import { createLog } from "../../src/log/log.ts";
import { type FarmObject, INSTANCES, SECRETS } from "../../src/operator/kubernetes/kinds.ts";
import { startControlPlane } from "../../test/cluster/control-plane.ts";
import { KwokNodes } from "./kwok-nodes.ts";
import { StandInAgents } from "./stand-in-agents.ts";

const PROJECT = join(import.meta.dirname, "../..");
const OPERATOR = join(PROJECT, "dist/operator/main.js");
const AGENT_PORT = 8_080;
/** Requests to the API server at a time, of who makes the instances. */
const AT_ONCE = 16;
const DEADLINE_MS = 1_800_000;

const AUDIT_POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata", verbs: ["create", "update", "patch", "delete", "deletecollection"] }, { level: "None" }],
};

/** A real API server, an operator as a process of its own, and any number of instances whose agents only answer. */
export interface ManyInstances extends AsyncDisposable {
  readonly agents: StandInAgents;
  startOperator(identity: string): Promise<ChildProcess & { readonly pid: number }>;
  create(count: number): Promise<void>;
  deleteAll(): Promise<void>;
  /** Settles when so many instances are as their specs ask. */
  untilReady(count: number): Promise<void>;
  untilStreams(count: number): Promise<void>;
  /** Successful writes of operators so far, by resource with its sub-resource, those to the Lease apart. */
  writes(): Promise<Map<string, number>>;
}

/** @param heapMiB what Node lets the operator's old objects take */
export async function manyInstances(heapMiB: number): Promise<ManyInstances> {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "emufarm-bench-"));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const audit = join(folder, "audit.log");
  await writeFile(join(folder, "policy.json"), JSON.stringify(AUDIT_POLICY));
  const plane = opening.use(
    await startControlPlane({
      hasDefinitions: true,
      controllers: ["garbage-collector-controller"],
      apiServerFlags: [
        ...[`--audit-log-path=${audit}`, `--audit-policy-file=${join(folder, "policy.json")}`],
        ...["--service-cluster-ip-range=10.0.0.0/16", "--max-requests-inflight=2000"],
        "--max-mutating-requests-inflight=1000",
      ],
    }),
  );
  await plane.kubectl("apply", "--server-side", "-f", join(PROJECT, "manifests/boards/mps2-an385.yaml"));
  const metrics = createKubeMetrics(new Registry());
  const source = { kubeconfigFile: plane.kubeconfig };
  const client = opening.use(createKubeClient({ source, metrics, userAgent: "emufarm-bench" }));
  const token = { token: Buffer.from("unused").toString("base64") };
  const metadata = { name: "emufarm-api", namespace: "default" };
  await client.create(SECRETS, { apiVersion: "v1", kind: "Secret", metadata, data: token });
  const agents = opening.use(await StandInAgents.listen(AGENT_PORT));
  const nodes = opening.use(await KwokNodes.start(client, plane, agents));
  const changed = new Signal();
  const instances: Reflector<FarmObject> = opening.use(
    createReflector({
      client,
      resource: INSTANCES,
      onChange: () => changed.tell(),
      log: createLog({ name: "bench", level: "silent" }),
      metrics,
    }),
  );
  const heapOption = `--max-old-space-size=${heapMiB}`;
  const kept = opening.move();
  const isReady = ({ metadata: { generation }, status }: FarmObject) => {
    const { observedGeneration, conditions = [] } = (status ?? {}) as SeenStatus;
    return observedGeneration === generation && conditions.some((one) => one.type === "Ready" && one.status === "True");
  };
  return {
    agents,
    async startOperator(identity) {
      const child = spawn(process.execPath, [OPERATOR], {
        env: {
          ...definitions.operator.env,
          PATH: process.env.PATH,
          NODE_OPTIONS: `${definitions.operator.env.NODE_OPTIONS} ${heapOption}`,
          EMUFARM_OPERATOR_KUBECONFIG: plane.kubeconfig,
          EMUFARM_OPERATOR_NAMESPACE: "default",
          EMUFARM_OPERATOR_IDENTITY: identity,
          EMUFARM_OPERATOR_LISTEN: "tcp:127.0.0.1:0",
          EMUFARM_OPERATOR_AGENT_IMAGE: "emufarm-agent:bench",
          EMUFARM_OPERATOR_API_URL: "http://127.0.0.1:1",
        },
        stdio: ["pipe", "inherit", "ignore"],
      });
      kept.defer(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill("SIGKILL");
        await once(child, "exit");
      });
      if (child.pid === undefined) throw new Error("the operator did not start");
      return child as ChildProcess & { readonly pid: number };
    },
    create: (count) => inParallel(count, (index) => client.create(INSTANCES, instanceOf(index)).then(() => {})),
    async deleteAll() {
      const names = instances.list().map(({ metadata: { name = "" } }) => name);
      await inParallel(names.length, (index) => client.delete(INSTANCES, names[index] ?? "", "default").then(() => {}));
      await changed.until("all instances gone", () => instances.list().length === 0 && nodes.pods === 0);
    },
    untilReady: (count) => changed.until(`${count} ready`, () => instances.list().filter(isReady).length >= count),
    untilStreams: (count) => changed.until(`${count} streams`, () => agents.streams >= count),
    writes: () => writesIn(audit),
    async [Symbol.asyncDispose]() {
      await kept.disposeAsync();
      if (nodes.failures.length > 0) throw nodes.failures[0];
    },
  };
}

interface SeenStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

/** Without firmware: its import writes nothing to the API server. */
function instanceOf(index: number): FarmObject {
  return {
    apiVersion: "emufarm.dev/v1alpha1",
    kind: "EmulatorInstance",
    metadata: { name: `board-${index}`, namespace: "default" },
    spec: { board: "mps2-an385" },
  };
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let index = next++; index < count; index = next++) await work(index);
    }),
  );
}

/** What is waited for is looked at again when something has changed, and twice a second for what nobody tells. */
class Signal {
  #wake = Promise.withResolvers<void>();

  tell(): void {
    this.#wake.resolve();
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    while (!isSo()) {
      if (performance.now() > deadline) throw new Error(`waited too long for ${what}`);
      this.#wake = Promise.withResolvers();
      await Promise.race([this.#wake.promise, new Promise((resolve) => setTimeout(resolve, 500))]);
    }
  }
}

async function writesIn(audit: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const line of createInterface({ input: createReadStream(audit) })) {
    const { userAgent = "", objectRef, responseStatus } = auditEventIn(line);
    if (!userAgent.startsWith("emufarm-operator") || (responseStatus?.code ?? 500) >= 300) continue;
    if (objectRef?.resource === "leases") continue;
    const what = [objectRef?.resource, objectRef?.subresource].filter(Boolean).join("/");
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}

/** The last line may be in the midst of being written. */
function auditEventIn(line: string): AuditEvent {
  try {
    return JSON.parse(line) as AuditEvent;
  } catch {
    return {};
  }
}

interface AuditEvent {
  readonly userAgent?: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code?: number };
}
