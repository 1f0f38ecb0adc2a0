import { expect, test } from "vitest";
import type { ObservedPoolPod, PoolObservation, PoolStep } from "../../../src/core/policy/pool-plan.ts";
import { planPool } from "../../../src/core/policy/pool-plan.ts";
import { poolStatusOf } from "../../../src/core/policy/pool-status.ts";
import { emulatorPoolSpec, emulatorPoolStatus } from "../../../src/core/schema/emulator-pool.ts";
import { NOW_MS, podOf } from "../../gen/instance-observation.ts";

function podNamed(name: string, changes: Partial<ObservedPoolPod> = {}): ObservedPoolPod {
  return { ...podOf({ name, uid: name }), isConnected: true, busySlots: 0, ...changes };
}

function seenWith(
  pods: readonly ObservedPoolPod[],
  spec: object = {},
  rest: Partial<PoolObservation> = {},
): PoolObservation {
  return {
    isDeleted: false,
    spec: emulatorPoolSpec.parse({ replicas: 2, ...spec }),
    templateKey: "template",
    pods,
    scaling: { state: "bySpec" },
    hasBudget: true,
    ...rest,
  };
}

const cordon = (name: string): PoolStep => ({ type: "cordon", name, uid: name });
const drain = (name: string): PoolStep => ({ type: "drain", name, uid: name });
const removal = (name: string, reason: string, isForced = false): PoolStep => ({
  type: "deletePod",
  name,
  uid: name,
  isForced,
  reason,
});
const old = { templateKey: "old" };
const going = { cordonedMs: NOW_MS - 10_000 };
const problem = { reason: "Forbidden", message: "exceeded quota" };

test.each<[string, PoolObservation, PoolStep[]]>([
  ["as asked: nothing", seenWith([podNamed("a"), podNamed("b")]), []],
  ["deleted: its pods go with it", seenWith([], {}, { isDeleted: true }), []],
  ["none yet: all at once", seenWith([]), [{ type: "createPods", count: 2 }]],
  [
    "without a budget: one is made",
    seenWith([podNamed("a"), podNamed("b")], {}, { hasBudget: false }),
    [{ type: "createBudget" }],
  ],
  [
    "the queue asks for more",
    seenWith([podNamed("a"), podNamed("b")], { maxReplicas: 5 }, { scaling: { state: "byQueue", replicas: 4 } }),
    [{ type: "scale", replicas: 4 }],
  ],
  [
    "the queue asks for as many as there are",
    seenWith([podNamed("a"), podNamed("b")], { maxReplicas: 5 }, { scaling: { state: "byQueue", replicas: 2 } }),
    [],
  ],
  [
    "somebody else scales it",
    seenWith([podNamed("a"), podNamed("b")], { maxReplicas: 5 }, { scaling: { state: "elsewhere", manager: "keda" } }),
    [],
  ],
  ["one is missing", seenWith([podNamed("a")]), [{ type: "createPods", count: 1 }]],
  ["refused a moment ago: not at once again", seenWith([], {}, { refusal: { problem, retryAtMs: NOW_MS + 1 } }), []],
  [
    "an ended pod is cleared away and replaced",
    seenWith([podNamed("a"), podNamed("b", { phase: "Failed" })]),
    [removal("b", "PodEnded"), { type: "createPods", count: 1 }],
  ],
  [
    "a pod on a silent node",
    seenWith([podNamed("a"), podNamed("b"), podNamed("c", { goneByMs: NOW_MS - 60_000 })]),
    [removal("c", "NodeLost", true)],
  ],
  [
    "too many: the one that serves least is cordoned",
    seenWith([podNamed("a", { busySlots: 3 }), podNamed("b", { busySlots: 1 }), podNamed("c", { busySlots: 2 })]),
    [cordon("b")],
  ],
  [
    "too many: one that does not serve goes first",
    seenWith([podNamed("a"), podNamed("b"), podNamed("c", { isReady: false, busySlots: 2 })]),
    [cordon("c")],
  ],
  [
    "to zero: all",
    seenWith([podNamed("a"), podNamed("b", { busySlots: 1 })], { replicas: 0 }),
    [cordon("a"), cordon("b")],
  ],
  ["a cordoned one is drained", seenWith([podNamed("a"), podNamed("b"), podNamed("c", going)]), [drain("c")]],
  [
    "a cordoned one that never came up is deleted",
    seenWith([podNamed("a"), podNamed("b"), podNamed("c", { ...going, isReady: false, isConnected: false })]),
    [removal("c", "Drained")],
  ],
  [
    "a cordoned one whose time is over is deleted",
    seenWith([podNamed("a"), podNamed("b"), podNamed("c", { cordonedMs: NOW_MS - 3_600_000, busySlots: 1 })]),
    [removal("c", "DrainTimeout")],
  ],
  [
    "wanted again before it went",
    seenWith([podNamed("a"), podNamed("c", going)]),
    [{ type: "uncordon", name: "c", uid: "c" }],
  ],
  [
    "another template: a new one first",
    seenWith([podNamed("a", old), podNamed("b", old)]),
    [{ type: "createPods", count: 1 }],
  ],
  [
    "another template: an old one goes when a new one serves",
    seenWith([podNamed("a", old), podNamed("b", { ...old, busySlots: 1 }), podNamed("n")]),
    [cordon("a")],
  ],
  [
    "another template: nobody goes for one that does not serve yet",
    seenWith([podNamed("a", old), podNamed("b", old), podNamed("n", { isReady: false })]),
    [],
  ],
  [
    "another template: the next new one when an old one goes",
    seenWith([podNamed("a", { ...old, ...going }), podNamed("b", old), podNamed("n")]),
    [{ type: "createPods", count: 1 }, drain("a")],
  ],
  [
    "another template: an old one that does not serve goes at once",
    seenWith([podNamed("a", { ...old, isReady: false }), podNamed("b", old), podNamed("n")]),
    [cordon("a")],
  ],
  [
    "without surge: one may be missing",
    seenWith([podNamed("a", old), podNamed("b", old)], {
      updateStrategy: { maxSurge: 0, maxUnavailable: "50%" },
    }),
    [cordon("a")],
  ],
])("%s", (_name, seen, steps) => {
  expect(planPool(seen, NOW_MS).steps).toEqual(steps);
});

test("a pool whose pods drain is looked at again soon", () => {
  expect(planPool(seenWith([podNamed("a"), podNamed("b"), podNamed("c", going)]), NOW_MS).requeueAfterMs).toBe(1_000);
  expect(planPool(seenWith([podNamed("a"), podNamed("b")]), NOW_MS)).toEqual({ steps: [] });
});

test.each<[string, PoolObservation, string, object]>([
  ["as asked", seenWith([podNamed("a"), podNamed("b")]), "AsAsked", { replicas: 2, ready: 2, updated: 2, draining: 0 }],
  ["coming", seenWith([podNamed("a", { isReady: false })]), "Progressing", { replicas: 1, ready: 0 }],
  ["refused", seenWith([], {}, { refusal: { problem, retryAtMs: 0 } }), "Forbidden", { replicas: 0 }],
  [
    "draining",
    seenWith([podNamed("a"), podNamed("b"), podNamed("c", going)]),
    "AsAsked",
    { replicas: 3, ready: 2, draining: 1 },
  ],
])("a pool that is %s says so", (_what, seen, reason, counts) => {
  const facts = { generation: 1, selector: "emufarm.dev/pool=warm", slots: 8, free: 5 };
  const status = poolStatusOf(seen, facts, undefined, NOW_MS);
  expect(emulatorPoolStatus.parse(status)).toEqual(status);
  expect(status).toMatchObject({ ...counts, slots: 8, allocated: 3, available: 5 });
  expect(status.conditions?.[0]).toMatchObject({ type: "Ready", reason });
});
