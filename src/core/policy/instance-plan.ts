import { durationMs } from "../schema/duration.ts";
import type { EmulatorInstanceSpec } from "../schema/emulator-instance.ts";
import {
  type InstanceObservation,
  type LastUse,
  type Leftover,
  livePodOf,
  livePods,
  type ObservedPod,
} from "./instance-observation.ts";
import { clearAway, type DeletePodStep, removal } from "./pod-plan.ts";

/** What the operator does for an instance. */
export type InstanceStep =
  | { readonly type: "createPod" }
  | DeletePodStep
  | { readonly type: "applyService" }
  | { readonly type: "deleteService"; readonly uid: string }
  | { readonly type: "deleteLeftover"; readonly leftover: Leftover }
  | { readonly type: "resolveFirmware" }
  | { readonly type: "putDesired" }
  | { readonly type: "deleteInstance" };

export interface InstancePlan {
  readonly steps: readonly InstanceStep[];
  /** When to look again, though nothing changes. */
  readonly requeueAfterMs?: number;
}

/** When the instance's time is over; undefined without ttl, and while somebody uses what lives from its last use. */
export function expiryMs({ createdMs, lastUsed = createdMs, spec }: InstanceAge): number | undefined {
  if (!spec.ttl) return undefined;
  if (spec.ttl.from === "Created") return createdMs + durationMs(spec.ttl.after);
  return lastUsed === "inUse" ? undefined : lastUsed + durationMs(spec.ttl.after);
}

export interface InstanceAge {
  readonly createdMs: number;
  readonly lastUsed?: LastUse | undefined;
  readonly spec: Pick<EmulatorInstanceSpec, "ttl">;
}

/** What to do for an instance, from what is seen. What is so already takes no step. */
export function planInstance(seen: InstanceObservation, nowMs: number): InstancePlan {
  // Children go with their owner: the garbage collector deletes them.
  if (seen.isDeleted) return { steps: [] };
  const endMs = expiryMs(seen);
  const isOver = endMs !== undefined && endMs <= nowMs;
  if (isOver && seen.spec.ttl?.then === "Delete") return { steps: [{ type: "deleteInstance" }] };
  const pods = planPods(seen, isOver, nowMs);
  const steps = [
    ...seen.leftovers.map((leftover): InstanceStep => ({ type: "deleteLeftover", leftover })),
    ...pods.steps,
    ...planService(seen),
    ...(isOver ? [] : planBoard(seen, nowMs)),
  ];
  const due = [...pods.dueMs, ...(isOver || endMs === undefined ? [] : [endMs]), ...firmwareDueMs(seen)];
  if (due.length === 0) return { steps };
  return { steps, requeueAfterMs: Math.max(0, Math.min(...due) - nowMs) };
}

interface PodPlan {
  readonly steps: readonly InstanceStep[];
  /** Moments at which something is due by itself. */
  readonly dueMs: readonly number[];
}

/** At most one pod at a time: the next one is made when nothing is left of the one before. */
function planPods(seen: InstanceObservation, isOver: boolean, nowMs: number): PodPlan {
  const { pods, templateKey, board, refusal } = seen;
  const [kept, ...surplus] = livePods(pods);
  const { steps: cleared, dueMs } = clearAway(pods, nowMs);
  const steps: InstanceStep[] = [...cleared];
  for (const pod of surplus) steps.push(removal(pod, "Surplus"));
  if (kept && isOver) steps.push(removal(kept, "Expired"));
  else if (kept && board.state === "found" && kept.templateKey !== templateKey) {
    steps.push(removal(kept, "TemplateChanged"));
  } else if (kept && (isIdleAndOutdated(seen) || hasNeverBegun(seen, kept))) steps.push(removal(kept, "Outdated"));

  if (pods.length > 0 || isOver || board.state !== "found") return { steps, dueMs };
  if (refusal && refusal.retryAtMs > nowMs) return { steps, dueMs: [refusal.retryAtMs] };
  return { steps: [{ type: "createPod" }], dueMs };
}

/** An outdated pod that has not come up, for want of its image or of a node, loses nothing either: the new one may. */
function hasNeverBegun({ board, agent }: InstanceObservation, { phase, isReady }: ObservedPod): boolean {
  if (board.state !== "found" || !board.isOutdated) return false;
  return phase === "Pending" && !isReady && agent?.state !== "connected";
}

/** A board that is off, or whose guest has ended, loses nothing with its pod. */
function isIdleAndOutdated({ spec, board, agent, generation }: InstanceObservation): boolean {
  if (spec.updatePolicy !== "WhenIdle" || board.state !== "found" || !board.isOutdated) return false;
  if (agent?.state !== "connected" || agent.instance?.generation !== generation) return false;
  return ["PoweredOff", "Succeeded", "Failed"].includes(agent.instance.phase);
}

function planService({ spec, service }: InstanceObservation): InstanceStep[] {
  switch (service.state) {
    case "none":
    // It is deleted before.
    case "leftover":
      return spec.expose === "None" ? [] : [{ type: "applyService" }];
    case "good":
    case "terminating":
    case "foreign":
      return [];
    case "different": {
      if (!service.mustBeReplaced) return [{ type: "applyService" }];
      const gone: InstanceStep = { type: "deleteService", uid: service.uid };
      return spec.expose === "None" ? [gone] : [gone, { type: "applyService" }];
    }
  }
}

/** What the agent is told, once there is all to tell. */
function planBoard(seen: InstanceObservation, nowMs: number): InstanceStep[] {
  const { firmware, agent, board } = seen;
  const isDue = firmware.state === "failed" && firmware.retryAtMs <= nowMs;
  const steps: InstanceStep[] = firmware.state === "unknown" || isDue ? [{ type: "resolveFirmware" }] : [];
  const isKnown = firmware.state === "none" || firmware.state === "resolved";
  if (!isKnown || seen.unsupported || board.state !== "found" || agent?.state !== "connected" || !livePodOf(seen))
    return steps;
  return isTold(seen) ? steps : [...steps, { type: "putDesired" }];
}

function isTold({ agent, generation, desiredDigest }: InstanceObservation): boolean {
  if (agent?.state !== "connected" || !agent.instance) return false;
  return agent.instance.generation === generation && agent.instance.digest === desiredDigest;
}

function firmwareDueMs({ firmware }: InstanceObservation): number[] {
  return firmware.state === "failed" ? [firmware.retryAtMs] : [];
}
