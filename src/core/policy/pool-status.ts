import type { EmulatorPoolStatus, PoolCondition } from "../schema/emulator-pool.ts";
import { timestampOf, withTransitions } from "./condition-history.ts";
import { hasEnded, type Problem } from "./instance-observation.ts";
import type { PoolObservation, PoolScaling } from "./pool-plan.ts";

/** What the agents of a pool say, together. */
export interface PoolSlots {
  readonly slots: number;
  readonly free: number;
}

/** The status that a pool shall show. */
export function poolStatusOf(
  seen: PoolObservation,
  facts: { readonly generation: number; readonly selector: string } & PoolSlots,
  before: EmulatorPoolStatus | undefined,
  nowMs: number,
): EmulatorPoolStatus {
  const { spec, pods, templateKey } = seen;
  const live = pods.filter((pod) => pod.goneByMs === undefined && !hasEnded(pod));
  const staying = live.filter(({ cordonedMs }) => cordonedMs === undefined);
  const ready = staying.filter(({ isReady }) => isReady);
  const updated = staying.filter((pod) => pod.templateKey === templateKey);
  const updatedReady = updated.filter(({ isReady }) => isReady).length;
  const draining = pods.length - staying.length;
  const isDone = updatedReady === spec.replicas && staying.length === spec.replicas;
  const drafts = [
    draft("Ready", isDone, isDone ? "AsAsked" : reasonOf(seen), sentenceOf(seen, updatedReady)),
    draft(
      "Available",
      ready.length > 0,
      ready.length > 0 ? "AgentsServe" : "NoAgentServes",
      `${ready.length} agents serve.`,
    ),
    draft(
      "Progressing",
      !isDone || draining > 0,
      isDone && draining === 0 ? "Done" : draining > 0 ? "Draining" : "Creating",
      `${updated.length} of ${spec.replicas} agents are of the present spec; ${draining} go.`,
    ),
    ...scalingActive(seen.scaling),
  ];
  return {
    observedGeneration: facts.generation,
    conditions: withTransitions(drafts, before?.conditions, facts.generation, timestampOf(nowMs)),
    replicas: live.length,
    ready: ready.length,
    updated: updated.length,
    draining,
    slots: facts.slots,
    allocated: facts.slots - facts.free,
    available: facts.free,
    selector: facts.selector,
  };
}

function draft(type: PoolCondition, isSo: boolean, reason: string, message: string) {
  return { type, status: isSo ? ("True" as const) : ("False" as const), reason, message };
}

function scalingActive(scaling: PoolScaling) {
  switch (scaling.state) {
    case "bySpec":
      return [];
    case "unknown":
      return [draft("ScalingActive", false, "QueueUnknown", "The operator has not heard yet how many jobs wait.")];
    case "elsewhere":
      return [draft("ScalingActive", false, "ScaledElsewhere", elsewhere(scaling.manager))];
    case "byQueue":
      return [draft("ScalingActive", true, "ScaledByQueue", "The queue sets the replicas.")];
  }
}

const elsewhere = (manager: string) =>
  `${manager} has set the replicas by the scale sub-resource. Apply the pool with another number of replicas to give them back to the queue.`;

function obstacleOf({ refusal, pods }: PoolObservation): Problem | undefined {
  return refusal?.problem ?? pods.find((pod) => !pod.isReady && pod.goneByMs === undefined && pod.problem)?.problem;
}

function reasonOf(seen: PoolObservation): string {
  return obstacleOf(seen)?.reason ?? "Progressing";
}

function sentenceOf(seen: PoolObservation, ready: number): string {
  const count = `${ready} of ${seen.spec.replicas} agents of the present spec serve.`;
  const obstacle = obstacleOf(seen);
  return obstacle && ready < seen.spec.replicas ? `${count} ${obstacle.message}` : count;
}
