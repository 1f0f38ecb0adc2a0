import type { Condition } from "../schema/condition.ts";

/**
 * Conditions with the time of their last transition: a condition whose status is as before keeps it.
 * @param now moment as Kubernetes writes it
 */
export function withTransitions(
  drafts: readonly Pick<Condition, "type" | "status" | "reason" | "message">[],
  before: readonly Condition[] | undefined,
  generation: number,
  now: string,
): Condition[] {
  return drafts.map(({ type, status, reason, message }) => {
    const known = before?.find((one) => one.type === type);
    const lastTransitionTime = known?.status === status ? known.lastTransitionTime : now;
    return { type, status, reason, message, observedGeneration: generation, lastTransitionTime };
  });
}

/** A moment as Kubernetes writes it, to the second. */
export function timestampOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
