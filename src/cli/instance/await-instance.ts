import { FarmError } from "../../core/error/farm-error.ts";
import { isPassing } from "../../core/policy/instance-event.ts";
import type { InstanceObject } from "../cluster/describe-object.ts";
import type { InstancePlace } from "./instance-place.ts";

/** A pod has to be scheduled, and its image may have to be pulled. */
const PATIENCE_MS = 120_000;
const GOOD_ENDS = new Set(["GuestExited", "GuestShutdown"]);

export interface WaitOptions {
  /** False takes the change for done as soon as it is accepted. */
  readonly wait?: boolean;
}

/**
 * Waits until the instance is as its spec of this generation asks, or has run to its end.
 * @throws {FarmError} InstanceNotReady where it cannot become so, or takes too long
 */
export async function awaitInstance(
  place: InstancePlace,
  changed: InstanceObject,
  interrupted: AbortSignal,
  { wait: isAwaited = true }: WaitOptions,
): Promise<InstanceObject> {
  if (!isAwaited) return changed;
  const { name = "", generation = 0 } = changed.metadata;
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let last = "the farm has not said how it stands";
  try {
    for await (const instance of place.follow(name, AbortSignal.any([interrupted, patience]))) {
      if (!instance) throw new FarmError("InstanceNotReady", { instance: name, problem: "it was deleted" });
      const ready = instance.status?.conditions?.find(({ type }) => type === "Ready");
      if (!ready || (ready.observedGeneration ?? 0) < generation) continue;
      last = ready.message.replace(/[.]$/, "");
      if (ready.status === "True") return instance;
      const isEnded = instance.status?.phase === "Succeeded" && GOOD_ENDS.has(ready.reason);
      if (isEnded) return instance;
      // Off is also what it is on the way to being on, or not quite yet.
      if (!isPassing(ready.reason) && ready.reason !== "PoweredOff")
        throw new FarmError("InstanceNotReady", { instance: name, problem: last });
    }
  } catch (error) {
    if (!patience.aborted || interrupted.aborted) throw error;
  }
  throw new FarmError("InstanceNotReady", { instance: name, problem: `${last} (for ${PATIENCE_MS / 1_000} s)` });
}
