import type { EmulatorInstanceStatus, InstancePhase } from "../schema/emulator-instance-status.ts";
import { timestampOf, withTransitions } from "./condition-history.ts";
import {
  accelerated,
  boardObstacleOf,
  type ConditionDraft,
  emulatorRunning,
  firmwareLoaded,
  instanceOf,
  isExpired,
  isNotSo,
  isSo,
  readyUnless,
} from "./instance-conditions.ts";
import { definedOf, toldExit } from "./instance-object-status.ts";
import type { InstanceObservation, Problem } from "./instance-observation.ts";
import { expiryMs } from "./instance-plan.ts";

/** What is known of an instance of a farm on one machine. */
export interface FarmInstanceObservation
  extends Pick<
    InstanceObservation,
    "generation" | "createdMs" | "spec" | "firmware" | "desiredDigest" | "agent" | "refusedByAgent"
  > {
  /** The agent whose slot it has, or why it has none. */
  readonly place:
    | { readonly state: "placed"; readonly agent: string }
    | { readonly state: "waiting"; readonly problem: Problem };
  /** The farm's board is not what the instance was made with any more. */
  readonly isBoardOutdated: boolean;
  /** Digest, size and format of the firmware that the spec led to. */
  readonly firmwareFacts?: EmulatorInstanceStatus["firmware"];
  /** The agent was ended and took the guest along: it could not tell. */
  readonly agentEnd?: { readonly atMs: number } | undefined;
}

const LOOPBACK = "127.0.0.1";
const EXPIRED: Problem = { reason: "Expired", message: "The time of spec.ttl is over; the board has been stopped." };

/** The status of an instance on one machine, in the words that it has on a cluster. */
export function farmInstanceStatus(
  seen: FarmInstanceObservation,
  before: EmulatorInstanceStatus | undefined,
  nowMs: number,
): EmulatorInstanceStatus {
  const instance = instanceOf(seen.agent);
  const endMs = expiryMs(seen);
  const conditions = conditionsOf(seen, nowMs);
  return {
    observedGeneration: seen.generation,
    phase: phaseOf(seen, nowMs),
    conditions: withTransitions(conditions, before?.conditions, seen.generation, timestampOf(nowMs)),
    address: LOOPBACK,
    endpoints: instance ? [...instance.endpoints] : [],
    // In the agent's folder on this machine's disk.
    storage: "Persistent",
    ...definedOf({
      firmware: seen.firmwareFacts,
      emulator: instance?.emulator ?? before?.emulator,
      restarts: instance?.restarts ?? before?.restarts,
      lastExit: lastExitOf(seen, before),
      expiresAt: endMs === undefined ? undefined : timestampOf(endMs),
    }),
  };
}

function conditionsOf(seen: FarmInstanceObservation, nowMs: number): ConditionDraft[] {
  const rest = [
    scheduled(seen, nowMs),
    firmwareLoaded(seen),
    emulatorRunning({ agent: seen.agent, pods: [] }),
    agentConnected(seen),
    ...accelerated(seen.agent),
    outdated(seen),
  ];
  return [readyUnless(obstacleOf(seen, rest, nowMs), seen.spec), ...rest];
}

function phaseOf(seen: FarmInstanceObservation, nowMs: number): InstancePhase {
  if (isExpired(seen, nowMs)) return "Stopped";
  if (seen.place.state === "waiting" || seen.firmware.state === "failed")
    return instanceOf(seen.agent)?.phase ?? "Pending";
  if (seen.agent?.state === "lost") return "Unknown";
  return instanceOf(seen.agent)?.phase ?? "Starting";
}

function scheduled({ place, ...seen }: FarmInstanceObservation, nowMs: number): ConditionDraft {
  if (isExpired(seen, nowMs)) return isNotSo("Scheduled", EXPIRED);
  if (place.state === "waiting") return isNotSo("Scheduled", place.problem);
  return isSo("Scheduled", "Scheduled", `It has a slot of ${place.agent}.`);
}

function agentConnected({ place, agent }: FarmInstanceObservation): ConditionDraft {
  if (place.state === "waiting") return isNotSo("AgentConnected", { reason: "NoSlot", message: "It has no slot." });
  if (agent?.state === "connected") return isSo("AgentConnected", "Connected", `The farm hears ${place.agent}.`);
  if (agent?.state === "lost") return isNotSo("AgentConnected", agent.problem);
  return isNotSo("AgentConnected", { reason: "Connecting", message: `The farm connects to ${place.agent}.` });
}

function outdated({ isBoardOutdated, spec }: FarmInstanceObservation): ConditionDraft {
  if (!isBoardOutdated) {
    return isNotSo("Outdated", { reason: "UpToDate", message: "The board is as it would be made now." });
  }
  const how =
    spec.updatePolicy === "OnDelete"
      ? "Delete the instance and apply it again to have the new one"
      : "The new one is taken when the board is off, or its guest has ended";
  return isSo("Outdated", "Changed", `The farm's board has changed since the instance was made. ${how}.`);
}

function obstacleOf(
  seen: FarmInstanceObservation,
  rest: readonly ConditionDraft[],
  nowMs: number,
): Problem | undefined {
  if (isExpired(seen, nowMs)) return EXPIRED;
  // What does not go away by itself comes before what only takes its time.
  if (seen.firmware.state === "failed") return seen.firmware.problem;
  const stands = rest.find(
    ({ type, status }) => status === "False" && (type === "Scheduled" || type === "AgentConnected"),
  );
  return stands ?? boardObstacleOf(seen, rest);
}

function lastExitOf(
  { agent, agentEnd }: FarmInstanceObservation,
  before: EmulatorInstanceStatus | undefined,
): EmulatorInstanceStatus["lastExit"] {
  const instance = instanceOf(agent);
  const atMs = instance?.lastExitAt === undefined ? undefined : Date.parse(instance.lastExitAt);
  if (agentEnd && (atMs === undefined || atMs <= agentEnd.atMs)) {
    const detail = "The agent that ran it was ended; the next one has started the guest anew.";
    return { reason: "EmulatorKilled", detail, time: timestampOf(agentEnd.atMs) };
  }
  return instance?.lastExit ? toldExit(instance.lastExit, instance) : before?.lastExit;
}
