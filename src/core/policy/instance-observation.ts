import type { EmulatorInstanceSpec } from "../schema/emulator-instance.ts";
import type { InstanceStatus } from "../wire/desired-state.ts";

/** Why something is not so: a stable word in CamelCase, and a sentence that a person can act on. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
}

/** A pod that was made for the instance. */
export interface ObservedPod {
  readonly name: string;
  readonly uid: string;
  readonly createdMs: number;
  /** What the pod was made from; another key needs another pod. */
  readonly templateKey: string;
  readonly phase: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  readonly nodeName?: string | undefined;
  readonly isReady: boolean;
  /** When a pod that is being deleted should have gone. */
  readonly goneByMs?: number | undefined;
  /** Why it does not come up, or how it ended, in the system's words. */
  readonly problem?: Problem | undefined;
  /** How the agent in it last ended before it was started again, and when: out of memory, killed. */
  readonly agentEnd?: { readonly message: string; readonly atMs: number } | undefined;
}

/**
 * A child of an instance that had the name before, deleted since. The garbage collector takes it away in its own time,
 * which may be a minute where the kind is new to it.
 */
export interface Leftover {
  readonly kind: "Pod" | "Service";
  readonly name: string;
  readonly uid: string;
  /** The instance that it was made for. */
  readonly ownerUid: string;
}

/** The board that the spec names. */
export type ObservedBoard =
  | { readonly state: "found"; readonly isOutdated: boolean }
  | { readonly state: "refused"; readonly problem: Problem };

export type ObservedFirmware =
  /** The spec asks for none. */
  | { readonly state: "none" }
  /** Not asked for yet, in the form that the spec has now. `isFirst`: this operator has not known it in any other. */
  | { readonly state: "unknown"; readonly isFirst: boolean }
  | { readonly state: "resolving"; readonly isFirst: boolean }
  | { readonly state: "resolved"; readonly sha256: string }
  /** `isFirst`: it was the farm that failed, and says nothing of the firmware; nor has this operator known it before. */
  | { readonly state: "failed"; readonly problem: Problem; readonly retryAtMs: number; readonly isFirst: boolean };

/** The agent in the pod that counts. */
export type ObservedAgent =
  /** No word of it yet, or none since a moment ago. */
  | { readonly state: "connecting" }
  | { readonly state: "connected"; readonly instance?: InstanceStatus | undefined }
  | { readonly state: "lost"; readonly problem: Problem };

export type ObservedService =
  | { readonly state: "none" }
  /** As wanted. */
  | { readonly state: "good"; readonly nodePorts: Readonly<Record<string, number>> }
  /** Ours, but to be changed; or to be made anew, where it cannot be changed so. */
  | { readonly state: "different"; readonly mustBeReplaced: boolean; readonly uid: string }
  | { readonly state: "terminating" }
  /** Of an instance that had the name before. */
  | { readonly state: "leftover" }
  /** Somebody else's object has the name. */
  | { readonly state: "foreign" };

/** Now, or when that ended. */
export type LastUse = number | "inUse";

/** Everything that is known of an instance at a moment. */
export interface InstanceObservation {
  readonly name: string;
  readonly namespace: string;
  readonly generation: number;
  readonly createdMs: number;
  /** Of any channel; undefined where nobody knows of any. */
  readonly lastUsed?: LastUse | undefined;
  readonly isDeleted: boolean;
  readonly spec: EmulatorInstanceSpec;
  readonly board: ObservedBoard;
  /** What the spec asks of the board that it does not have. */
  readonly unsupported?: Problem | undefined;
  /** What a pod would be made from now. */
  readonly templateKey: string;
  readonly pods: readonly ObservedPod[];
  /** Why the last pod could not be made, and when to try again. */
  readonly refusal?: { readonly problem: Problem; readonly retryAtMs: number } | undefined;
  readonly service: ObservedService;
  readonly leftovers: readonly Leftover[];
  readonly firmware: ObservedFirmware;
  /** Digest of what the agent shall be told; undefined while that is not known. */
  readonly desiredDigest?: string | undefined;
  readonly agent?: ObservedAgent | undefined;
  /** What the agent said to the last wish, where it took it not. */
  readonly refusedByAgent?: Problem | undefined;
}

/** What the pod is for: the one that lives, not those that end. */
export function livePodOf({ pods }: Pick<InstanceObservation, "pods">): ObservedPod | undefined {
  return livePods(pods)[0];
}

/** Pods that live, the one to keep first: it serves, or is the oldest. */
export function livePods(pods: readonly ObservedPod[]): readonly ObservedPod[] {
  return pods
    .filter((pod) => pod.goneByMs === undefined && !hasEnded(pod))
    .toSorted((one, other) => Number(other.isReady) - Number(one.isReady) || one.createdMs - other.createdMs);
}

export function hasEnded({ phase }: ObservedPod): boolean {
  return phase === "Succeeded" || phase === "Failed";
}
