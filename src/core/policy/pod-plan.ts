import { hasEnded, type ObservedPod } from "./instance-observation.ts";

/** @property isForced does not wait for the node, which has been silent for too long */
export interface DeletePodStep {
  readonly type: "deletePod";
  readonly name: string;
  readonly uid: string;
  readonly isForced: boolean;
  readonly reason: string;
}

/** A pod that should have gone and is still there so long after is on a node that nobody hears of. */
const SILENT_NODE_MS = 5_000;

export function removal({ name, uid }: Pick<ObservedPod, "name" | "uid">, reason: string): DeletePodStep {
  return { type: "deletePod", name, uid, isForced: false, reason };
}

export interface PodClearance {
  readonly steps: readonly DeletePodStep[];
  /** When those that are going should have gone. */
  readonly dueMs: readonly number[];
}

/** What is done about pods that have ended, and about those on nodes that nobody hears of. */
export function clearAway(pods: readonly ObservedPod[], nowMs: number): PodClearance {
  const steps = pods
    .filter((pod) => hasEnded(pod) && pod.goneByMs === undefined)
    .map((pod) => removal(pod, "PodEnded"));
  const dueMs: number[] = [];
  for (const pod of pods) {
    if (pod.goneByMs === undefined) continue;
    const silentMs = pod.goneByMs + SILENT_NODE_MS;
    if (silentMs <= nowMs) steps.push({ ...removal(pod, "NodeLost"), isForced: true });
    else dueMs.push(silentMs);
  }
  return { steps, dueMs };
}
