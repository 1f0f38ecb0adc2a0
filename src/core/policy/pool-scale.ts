import { durationMs } from "../schema/duration.ts";
import type { EmulatorPoolSpec } from "../schema/emulator-pool.ts";
import { amountOf } from "./amount.ts";

/** How many agents the queue has asked for, and until when; what it asks for now has no end. */
export interface AskedReplicas {
  readonly replicas: number;
  readonly untilMs?: number;
}

/** What the queue and the agents say at a moment. */
export interface QueueDemand {
  /** Jobs that wait for a slot. */
  readonly waiting: number;
  /** Slots in use of the agents that stay. */
  readonly busySlots: number;
}

/** How many agents the queue asks for at this moment, within what the pool allows. */
export function replicasFor(
  { minReplicas = 0, maxReplicas = 0, minAvailable, slotsPerPod }: EmulatorPoolSpec,
  { waiting, busySlots }: QueueDemand,
): number {
  const spare = amountOf(minAvailable, busySlots, Math.ceil);
  const replicas = Math.ceil((busySlots + waiting + spare) / slotsPerPod);
  return Math.min(maxReplicas, Math.max(minReplicas, replicas));
}

/**
 * What has been asked for, with what is asked for now: only what is more than that, and not too long ago, counts still.
 * @param before by this function, most first
 */
export function remember(
  before: readonly AskedReplicas[],
  replicas: number,
  { scaleDownDelay }: EmulatorPoolSpec,
  nowMs: number,
): AskedReplicas[] {
  const ended = before.map((asked) => ({ ...asked, untilMs: asked.untilMs ?? nowMs }));
  const sinceMs = nowMs - durationMs(scaleDownDelay);
  return [...ended.filter((asked) => asked.replicas > replicas && asked.untilMs > sinceMs), { replicas }];
}

/** The most that was asked for within the delay, and when that has been long enough ago. */
export function decide(
  asked: readonly AskedReplicas[],
  { scaleDownDelay, maxReplicas = 0 }: EmulatorPoolSpec,
): { readonly replicas: number; readonly untilMs?: number } {
  const [most] = asked;
  if (!most) return { replicas: 0 };
  // It may have been asked for while more were allowed.
  const replicas = Math.min(most.replicas, maxReplicas);
  return most.untilMs === undefined ? { replicas } : { replicas, untilMs: most.untilMs + durationMs(scaleDownDelay) };
}
