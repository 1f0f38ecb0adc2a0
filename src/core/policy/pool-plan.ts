import { durationMs } from "../schema/duration.ts";
import type { EmulatorPoolSpec } from "../schema/emulator-pool.ts";
import { amountOf } from "./amount.ts";
import { hasEnded, type ObservedPod, type Problem } from "./instance-observation.ts";
import { clearAway, type DeletePodStep, removal } from "./pod-plan.ts";

/** A pod of a pool, with what its agent says. */
export interface ObservedPoolPod extends ObservedPod {
  readonly isConnected: boolean;
  /** Slots in use, as the agent said last. */
  readonly busySlots: number;
  /** Since when it shall go, where it shall. */
  readonly cordonedMs?: number | undefined;
}

/** Who says how many agents there shall be. */
export type PoolScaling =
  /** The spec alone. */
  | { readonly state: "bySpec" }
  /** The queue has not been heard yet: as many as there are. */
  | { readonly state: "unknown" }
  /** Somebody else has written the scale sub-resource. */
  | { readonly state: "elsewhere"; readonly manager: string }
  /** @property untilMs when it asks for less, should nothing change */
  | { readonly state: "byQueue"; readonly replicas: number; readonly untilMs?: number | undefined };

/** Everything that is known of a pool at a moment. */
export interface PoolObservation {
  readonly isDeleted: boolean;
  readonly spec: EmulatorPoolSpec;
  /** What a pod would be made from now. */
  readonly templateKey: string;
  readonly pods: readonly ObservedPoolPod[];
  readonly scaling: PoolScaling;
  /** Whether there is a PodDisruptionBudget for it, or none can be. */
  readonly hasBudget: boolean;
  /** Why the last pod could not be made, and when to try again. */
  readonly refusal?: { readonly problem: Problem; readonly retryAtMs: number } | undefined;
}

export type PoolStep =
  | { readonly type: "createPods"; readonly count: number }
  | DeletePodStep
  /** Asks for so many agents, unless somebody else does. */
  | { readonly type: "scale"; readonly replicas: number }
  /** Sees to it that not all agents are evicted at once. */
  | { readonly type: "createBudget" }
  /** Marks the pod as one that goes, and has its agent take no more work. */
  | { readonly type: "cordon"; readonly name: string; readonly uid: string }
  /** The pod is wanted after all. */
  | { readonly type: "uncordon"; readonly name: string; readonly uid: string }
  /** Keeps the agent from taking work, and deletes the pod once nothing is left on it. */
  | { readonly type: "drain"; readonly name: string; readonly uid: string };

export interface PoolPlan {
  readonly steps: readonly PoolStep[];
  readonly requeueAfterMs?: number;
}

/** How soon a pod that drains is looked at again: results leave an agent without a word. */
const DRAIN_LOOK_MS = 1_000;

/** What to do for a pool, from what is seen. What is so already takes no step. */
export function planPool(seen: PoolObservation, nowMs: number): PoolPlan {
  if (seen.isDeleted) return { steps: [] };
  const { pods } = seen;
  const live = pods.filter((pod) => pod.goneByMs === undefined && !hasEnded(pod));
  const going = live.filter(({ cordonedMs }) => cordonedMs !== undefined);
  const cleared = clearAway(pods, nowMs);
  const due = [...cleared.dueMs];
  const steps: PoolStep[] = [...(seen.hasBudget ? [] : [BUDGET]), ...planScale(seen), ...cleared.steps];
  const wanted = planReplicas(seen, live, nowMs);
  steps.push(...wanted, ...going.filter((pod) => !isNamed(wanted, pod)).map((pod) => drain(pod, seen.spec, nowMs)));
  if (going.length > 0) due.push(nowMs + DRAIN_LOOK_MS);
  if (seen.refusal && seen.refusal.retryAtMs > nowMs) due.push(seen.refusal.retryAtMs);
  if (seen.scaling.state === "byQueue" && seen.scaling.untilMs !== undefined) due.push(seen.scaling.untilMs);
  return due.length === 0 ? { steps } : { steps, requeueAfterMs: Math.max(0, Math.min(...due) - nowMs) };
}

const BUDGET: PoolStep = { type: "createBudget" };

/** The object's change brings the pods about. */
function planScale({ scaling, spec }: PoolObservation): PoolStep[] {
  if (scaling.state !== "byQueue" || scaling.replicas === spec.replicas) return [];
  return [{ type: "scale", replicas: scaling.replicas }];
}

function isNamed(steps: readonly PoolStep[], { uid }: ObservedPod): boolean {
  return steps.some((step) => "uid" in step && step.uid === uid);
}

function drain(pod: ObservedPoolPod, { drainTimeout }: EmulatorPoolSpec, nowMs: number): PoolStep {
  const isOverdue = (pod.cordonedMs ?? nowMs) + durationMs(drainTimeout) <= nowMs;
  // An agent that never came up has no work to lose.
  if (isOverdue || (!pod.isReady && !pod.isConnected)) return removal(pod, isOverdue ? "DrainTimeout" : "Drained");
  return { type: "drain", name: pod.name, uid: pod.uid };
}

/** As many pods of the present template as are asked for; old ones go as new ones come to serve. */
function planReplicas(seen: PoolObservation, live: readonly ObservedPoolPod[], nowMs: number): PoolStep[] {
  const { spec, templateKey, refusal } = seen;
  const { replicas, updateStrategy } = spec;
  const staying = live.filter(({ cordonedMs }) => cordonedMs === undefined);
  const fresh = staying.filter((pod) => pod.templateKey === templateKey);
  const old = staying.filter((pod) => pod.templateKey !== templateKey);
  const surge = old.length > 0 ? amountOf(updateStrategy.maxSurge, replicas, Math.ceil) : 0;
  const missing = Math.min(replicas - fresh.length, replicas + surge - staying.length);
  if (missing > 0) {
    const back = live
      .filter((pod) => pod.cordonedMs !== undefined && pod.templateKey === templateKey)
      .slice(0, missing);
    const count = missing - back.length;
    const isRefused = refusal !== undefined && refusal.retryAtMs > nowMs;
    const made: PoolStep[] = count > 0 && !isRefused ? [{ type: "createPods", count }] : [];
    return [...back.map(({ name, uid }): PoolStep => ({ type: "uncordon", name, uid })), ...made];
  }
  const spared = amountOf(updateStrategy.maxUnavailable, replicas, Math.floor);
  return leaving(fresh, old, replicas, spared).map(({ name, uid }) => ({ type: "cordon", name, uid }));
}

/** Who goes: of too many, those that serve least; of the old ones, as many as enough others serve. */
function leaving(
  fresh: readonly ObservedPoolPod[],
  old: readonly ObservedPoolPod[],
  replicas: number,
  spared: number,
): readonly ObservedPoolPod[] {
  const surplus = byUse(fresh).slice(0, Math.max(0, fresh.length - replicas));
  const idleOld = old.filter(({ isReady }) => !isReady);
  const servingOld = byUse(old.filter(({ isReady }) => isReady));
  const serving = fresh.filter(({ isReady }) => isReady).length + servingOld.length;
  const dispensable = Math.max(0, serving - Math.max(0, replicas - spared));
  return [
    ...surplus,
    ...idleOld,
    ...servingOld.slice(0, Math.max(0, dispensable - surplus.filter(({ isReady }) => isReady).length)),
  ];
}

function byUse(pods: readonly ObservedPoolPod[]): ObservedPoolPod[] {
  return pods.toSorted(
    (one, other) =>
      Number(one.isReady) - Number(other.isReady) || one.busySlots - other.busySlots || other.createdMs - one.createdMs,
  );
}
