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
  /** The guest is watched for so long once it runs: one that ends at once is told as what it became. */
  readonly settlingMs?: number;
}

/**
 * Waits until the instance is as its spec of this generation asks, or has run to its end.
 * @throws {FarmError} InstanceNotReady where it cannot become so, or takes too long; its `reason` is that of the
 *   condition Ready
 */
export async function awaitInstance(
  place: Pick<InstancePlace, "follow">,
  changed: InstanceObject,
  interrupted: AbortSignal,
  { wait: isAwaited = true, settlingMs = 0 }: WaitOptions,
): Promise<InstanceObject> {
  if (!isAwaited) return changed;
  const { name = "", generation = 0 } = changed.metadata;
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const settled = new AbortController();
  let ready: InstanceObject | undefined;
  let last = { reason: "Unknown", problem: "the farm has not said how it stands" };
  try {
    const signal = AbortSignal.any([interrupted, patience, settled.signal]);
    for await (const instance of place.follow(name, signal)) {
      const state = stateOf(instance, name, generation);
      if (state.type === "outdated") continue;
      if (state.type === "over") return state.instance;
      if (state.type === "ready") {
        if (settlingMs === 0) return state.instance;
        if (!ready) AbortSignal.timeout(settlingMs).addEventListener("abort", () => settled.abort(), { once: true });
        ready = state.instance;
        continue;
      }
      last = state;
      if (!state.isPassing) throw notReady(name, last);
    }
  } catch (error) {
    if (interrupted.aborted || !(patience.aborted || settled.signal.aborted)) throw error;
  }
  interrupted.throwIfAborted();
  if (ready) return ready;
  throw notReady(name, { ...last, problem: `${last.problem} (for ${PATIENCE_MS / 1_000} s)` });
}

type State =
  /** Of a spec before. */
  | { readonly type: "outdated" }
  | { readonly type: "ready"; readonly instance: InstanceObject }
  | { readonly type: "over"; readonly instance: InstanceObject }
  | { readonly type: "notReady"; readonly reason: string; readonly problem: string; readonly isPassing: boolean };

function stateOf(instance: InstanceObject | undefined, name: string, generation: number): State {
  if (!instance) throw new FarmError("InstanceNotReady", { instance: name, problem: "it was deleted" });
  const ready = instance.status?.conditions?.find(({ type }) => type === "Ready");
  if (!ready || (ready.observedGeneration ?? 0) < generation) return { type: "outdated" };
  const { reason, message, status } = ready;
  if (status === "True") return { type: "ready", instance };
  if (instance.status?.phase === "Succeeded" && GOOD_ENDS.has(reason)) return { type: "over", instance };
  // Off is also what it is on the way to being on, or not quite yet.
  const isOnTheWay = isPassing(reason) || reason === "PoweredOff";
  return { type: "notReady", reason, problem: message.replace(/[.]$/, ""), isPassing: isOnTheWay };
}

function notReady(instance: string, { reason, problem }: { readonly reason: string; readonly problem: string }) {
  return new FarmError("InstanceNotReady", { instance, problem, reason });
}
