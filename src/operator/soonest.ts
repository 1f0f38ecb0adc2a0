import type { ReconcileOutcome } from "../kube/work-queue.ts";

/** To be looked at again when the first of these delays is over; undefined where none of them is due. */
export function soonest(...delaysMs: readonly (number | undefined)[]): ReconcileOutcome | undefined {
  const known = delaysMs.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : { requeueAfterMs: Math.min(...known) };
}
