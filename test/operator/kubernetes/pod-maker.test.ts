import { expect, test } from "vitest";
import type { KubeClient } from "../../../src/kube/kube-client.ts";
import { KubeError } from "../../../src/kube/kube-error.ts";
import { MadeObjects } from "../../../src/operator/kubernetes/farm-caches.ts";
import type { FarmObject, Pod } from "../../../src/operator/kubernetes/kinds.ts";
import { createPodMaker, noTries } from "../../../src/operator/kubernetes/pod-maker.ts";
import type { AgentTrust } from "../../../src/operator/trust/agent-trust.ts";

const owner: FarmObject = {
  apiVersion: "emufarm.dev/v1alpha1",
  kind: "EmulatorInstance",
  metadata: { name: "sensor", namespace: "lab", uid: "instance-1" },
};
const reference = { ...owner, name: "sensor", uid: "instance-1", controller: true };
const wanted: Pod = { apiVersion: "v1", kind: "Pod", metadata: { namespace: "lab", ownerReferences: [reference] } };

/** An API server with pods, whose next answers can be lost. */
class Pods {
  readonly byName = new Map<string, Pod>();
  readonly asked: string[] = [];
  failure: ((name: string) => void) | undefined;
  #uids = 0;

  readonly client = {
    create: async (_resource: unknown, pod: Pod): Promise<Pod> => {
      const { name = "" } = pod.metadata;
      this.asked.push(name);
      if (this.byName.has(name)) throw new KubeError({ status: 409, reason: "AlreadyExists", message: "it exists" });
      this.#uids += 1;
      const made = { ...pod, metadata: { ...pod.metadata, uid: `pod-${this.#uids}` } };
      this.byName.set(name, made);
      this.failure?.(name);
      return made;
    },
    get: async (_resource: unknown, name: string) => this.byName.get(name),
  } as unknown as KubeClient;
}

function makerOn(pods: Pods, epoch = 1) {
  let nowMs = 1_000_000;
  const made = new MadeObjects<Pod>();
  const trust = {
    publishIn: () => Promise.resolve(),
    issueIdentity: async ({ metadata: { uid = "" } }: Pod) => void issued.push(uid),
  } as unknown as AgentTrust;
  const told: string[] = [];
  const issued: string[] = [];
  const maker = createPodMaker({
    client: pods.client,
    trust,
    made,
    epoch,
    tell: (_object, _type, reason) => told.push(reason),
    clock: () => nowMs,
  });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { maker, made, told, issued, pass };
}

const lost = () => {
  throw new KubeError({ status: 0, reason: "Timeout", message: "no answer" });
};

test("a pod whose answer was lost is found again, not made twice", async () => {
  const pods = new Pods();
  const { maker, made } = makerOn(pods);
  const tries = noTries();
  pods.failure = lost;
  await expect(maker.create(owner, wanted, tries)).rejects.toThrow("no answer");
  pods.failure = undefined;
  await maker.create(owner, wanted, tries);
  expect(pods.byName.size).toBe(1);
  expect(made.with([], () => true).map(({ metadata }) => metadata.uid)).toEqual(["pod-1"]);
});

test("each pod of an owner has a name of its own, and so has each leader's", async () => {
  const pods = new Pods();
  const tries = noTries();
  await makerOn(pods).maker.create(owner, wanted, tries);
  await makerOn(pods).maker.create(owner, wanted, tries);
  await makerOn(pods, 2).maker.create(owner, wanted, noTries());
  expect(new Set(pods.asked).size).toBe(3);
  for (const name of pods.asked) expect(name).toMatch(/^sensor-[0-9a-f]{8}$/);
});

test("a refusal keeps the name, so that its message stays the same", async () => {
  const pods = new Pods();
  const { maker, pass } = makerOn(pods);
  const tries = noTries();
  pods.failure = (name) => {
    pods.byName.delete(name);
    throw new KubeError({ status: 403, reason: "Forbidden", message: `pods "${name}" is forbidden` });
  };
  await maker.create(owner, wanted, tries);
  const first = tries.refusal;
  pass(2_000);
  await maker.create(owner, wanted, tries);
  expect(tries.refusal?.problem).toEqual(first?.problem);
  expect(tries.refusal?.retryAtMs).toBeGreaterThan(first?.retryAtMs ?? 0);
});

test("one of ours that ends under the name is waited for", async () => {
  const pods = new Pods();
  const { maker } = makerOn(pods);
  await maker.create(owner, wanted, noTries());
  const [[name = "", pod] = []] = pods.byName;
  if (pod) pods.byName.set(name, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: "2026-05-01T12:00:00Z" } });
  const tries = noTries();
  await maker.create(owner, wanted, tries);
  expect(tries).toMatchObject({ made: 0, refusal: { problem: { reason: "PodTerminating" } } });
});

test("somebody else's pod of the name is told of, and another name taken", async () => {
  const pods = new Pods();
  const { maker, told } = makerOn(pods);
  await maker.create(owner, wanted, noTries());
  const [[name = ""] = []] = pods.byName;
  pods.byName.set(name, { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "lab", uid: "foreign" } });
  const tries = noTries();
  await maker.create(owner, wanted, tries);
  expect(tries.refusal?.problem.reason).toBe("PodNameTaken");
  await maker.create(owner, wanted, tries);
  expect(tries.refusal).toBeUndefined();
  expect(told).toEqual(["PodCreated", "PodNameTaken", "PodCreated"]);
});

test("a pod that was deleted while nobody watched is forgotten", async () => {
  const pods = new Pods();
  const { maker, made, pass } = makerOn(pods);
  await maker.create(owner, wanted, noTries());
  expect(await maker.confirm("instance-1")).toBe(5_000);
  pass(5_000);
  expect(await maker.confirm("instance-1")).toBe(5_000);
  pods.byName.clear();
  pass(5_000);
  expect(await maker.confirm("instance-1")).toBe(0);
  expect(made.with([], () => true)).toEqual([]);
  expect(await maker.confirm("instance-1")).toBeUndefined();
});

test("a pod that another leader made gets its identity, once, unless it runs: then it has one", async () => {
  const { maker, issued } = makerOn(new Pods(), 2);
  const waiting = { ...wanted, metadata: { ...wanted.metadata, uid: "pod-1" }, status: { phase: "Pending" } };
  const running = { ...wanted, metadata: { ...wanted.metadata, uid: "pod-2" }, status: { phase: "Running" } };
  for (const pod of [waiting, running, waiting, running]) await maker.ensureIdentity(pod);
  expect(issued).toEqual(["pod-1"]);
});
