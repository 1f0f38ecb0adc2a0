import type { InstanceCondition, InstancePhase } from "../schema/emulator-instance-status.ts";
import type { InstanceStatus } from "../wire/desired-state.ts";
import { crashText } from "./crash-text.ts";
import { type InstanceObservation, livePodOf, type ObservedAgent, type Problem } from "./instance-observation.ts";
import { expiryMs } from "./instance-plan.ts";

/** A condition without its history. */
export interface ConditionDraft {
  readonly type: InstanceCondition;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

export const isSo = (type: InstanceCondition, reason: string, message: string): ConditionDraft => ({
  type,
  status: "True",
  reason,
  message,
});
export const isNotSo = (type: InstanceCondition, { reason, message }: Problem): ConditionDraft => ({
  type,
  status: "False",
  reason,
  message,
});

const EXPIRED: Problem = { reason: "Expired", message: "The time of spec.ttl is over; the pod has been stopped." };
const NO_POD: Problem = { reason: "NoPod", message: "There is no pod yet." };
export const CONNECTING: Problem = { reason: "Connecting", message: "The operator connects to the agent in the pod." };
/** The agent has an older wish. */
const NOT_TOLD: Problem = { reason: "Updating", message: "The agent has not been told of the present spec yet." };

/** The conditions of an instance, in the order in which they are listed. */
export function instanceConditionsOf(seen: InstanceObservation, nowMs: number): ConditionDraft[] {
  const rest = [
    scheduled(seen, nowMs),
    firmwareLoaded(seen),
    emulatorRunning(seen),
    agentConnected(seen),
    ...accelerated(seen.agent),
    ...outdated(seen),
  ];
  return [ready(seen, rest, nowMs), ...rest];
}

/** The instance in one word. */
export function instancePhaseOf(seen: InstanceObservation, nowMs: number): InstancePhase {
  if (isExpired(seen, nowMs)) return "Stopped";
  if (seen.board.state !== "found" && !livePodOf(seen)) return "Pending";
  const pod = livePodOf(seen);
  if (!pod?.nodeName) return seen.pods.length === 0 && seen.refusal ? "Pending" : "Scheduling";
  if (seen.agent?.state === "lost") return pod.problem ? "Starting" : "Unknown";
  const instance = instanceOf(seen.agent);
  if (!instance) return seen.firmware.state === "failed" ? "Pending" : "Starting";
  return instance.phase;
}

/** Whether the time of its ttl is over. */
export function isExpired(seen: Pick<InstanceObservation, "createdMs" | "spec">, nowMs: number): boolean {
  const endMs = expiryMs(seen);
  return endMs !== undefined && endMs <= nowMs;
}

export function instanceOf(agent: ObservedAgent | undefined): InstanceStatus | undefined {
  return agent?.state === "connected" ? agent.instance : undefined;
}

function scheduled(seen: InstanceObservation, nowMs: number): ConditionDraft {
  const pod = livePodOf(seen);
  if (isExpired(seen, nowMs)) return isNotSo("Scheduled", EXPIRED);
  if (pod?.nodeName) return isSo("Scheduled", "Scheduled", `Pod ${pod.name} is on node ${pod.nodeName}.`);
  if (pod)
    return isNotSo("Scheduled", pod.problem ?? { reason: "Pending", message: `Pod ${pod.name} has no node yet.` });
  if (seen.board.state === "refused") return isNotSo("Scheduled", seen.board.problem);
  if (seen.refusal) return isNotSo("Scheduled", seen.refusal.problem);
  const leaving = seen.pods.find(({ goneByMs }) => goneByMs !== undefined);
  if (!leaving) return isNotSo("Scheduled", NO_POD);
  return isNotSo("Scheduled", { reason: "PodTerminating", message: `Pod ${leaving.name} has to end first.` });
}

function agentConnected(seen: InstanceObservation): ConditionDraft {
  const { agent } = seen;
  const pod = livePodOf(seen);
  if (!pod) return isNotSo("AgentConnected", NO_POD);
  if (agent?.state === "connected") return isSo("AgentConnected", "Connected", `The agent of pod ${pod.name} answers.`);
  // What the node says of the pod is why its agent does not answer.
  if (pod.nodeName && pod.problem) return isNotSo("AgentConnected", pod.problem);
  return isNotSo("AgentConnected", agent?.state === "lost" ? agent.problem : CONNECTING);
}

export function firmwareLoaded(seen: Pick<InstanceObservation, "firmware" | "agent" | "spec">): ConditionDraft {
  const { firmware } = seen;
  const instance = instanceOf(seen.agent);
  if (firmware.state === "none") return isSo("FirmwareLoaded", "NotRequested", "The spec asks for no firmware.");
  if (firmware.state === "failed") return isNotSo("FirmwareLoaded", firmware.problem);
  if (firmware.state !== "resolved") {
    return isNotSo("FirmwareLoaded", {
      reason: "Resolving",
      message: "The firmware is brought into the farm's store.",
    });
  }
  if (instance?.firmware === firmware.sha256 && instance.isFirmwareLoaded) {
    return isSo("FirmwareLoaded", "Loaded", `The board has firmware ${firmware.sha256.slice(0, 12)}.`);
  }
  if (seen.spec.power === "Off") {
    return isNotSo("FirmwareLoaded", { reason: "PoweredOff", message: "The board is loaded when it is switched on." });
  }
  if (instance?.error)
    return isNotSo("FirmwareLoaded", { reason: instance.error.code, message: instance.error.message });
  return isNotSo("FirmwareLoaded", { reason: "Loading", message: "The firmware is on its way into the board." });
}

export function emulatorRunning(seen: Pick<InstanceObservation, "agent" | "pods">): ConditionDraft {
  const { agent } = seen;
  const instance = instanceOf(agent);
  if (agent?.state === "lost" && !livePodOf(seen)?.problem) {
    return { type: "EmulatorRunning", status: "Unknown", reason: "AgentLost", message: agent.problem.message };
  }
  if (!instance)
    return isNotSo("EmulatorRunning", { reason: "NotStarted", message: "The board has not been started." });
  if (instance.phase === "Running") return isSo("EmulatorRunning", "Running", "The emulator runs and answers.");
  if (instance.phase === "Paused")
    return isSo("EmulatorRunning", "Paused", "The emulator answers; its CPU is stopped.");
  if (instance.phase === "PoweredOff") {
    return isNotSo("EmulatorRunning", { reason: "PoweredOff", message: "The board is switched off." });
  }
  if (instance.phase === "Starting") {
    return isNotSo("EmulatorRunning", { reason: "Starting", message: "The emulator is being started." });
  }
  return isNotSo("EmulatorRunning", endOf(instance));
}

/** Why an ended guest has ended, or never began. */
function endOf({ error, lastExit, phase }: InstanceStatus): Problem {
  if (error) return { reason: error.code, message: error.message };
  if (!lastExit) return { reason: phase, message: "The board does not run." };
  const code = lastExit.code === undefined ? "" : ` with exit code ${lastExit.code}`;
  const isCrash = lastExit.reason === "GuestCrashed";
  const detail = lastExit.detail ? `: ${isCrash ? crashText(lastExit) : lastExit.detail.trim().slice(-1_000)}` : ".";
  return { reason: lastExit.reason, message: `The guest has ended${code} (${lastExit.reason})${detail}` };
}

export function accelerated(agent: ObservedAgent | undefined): ConditionDraft[] {
  const accelerator = instanceOf(agent)?.emulator?.accelerator;
  if (accelerator === undefined) return [];
  if (accelerator === "kvm") return [isSo("Accelerated", "Kvm", "The CPU is the host's own (KVM).")];
  return [isNotSo("Accelerated", { reason: "Translated", message: "The CPU is translated (TCG)." })];
}

function outdated({ board, spec }: InstanceObservation): ConditionDraft[] {
  if (board.state !== "found") return [];
  if (!board.isOutdated)
    return [isNotSo("Outdated", { reason: "UpToDate", message: "The pod is as it would be made now." })];
  const how =
    spec.updatePolicy === "OnDelete" ? "Delete the pod to get a new one" : "It is replaced when nobody uses it";
  return [isSo("Outdated", "Changed", `The board or the agent's image has changed since the pod was made. ${how}.`)];
}

/** Ready is what the spec asks for; what stands in the way, first of all, is why it is not. */
function ready(seen: InstanceObservation, rest: readonly ConditionDraft[], nowMs: number): ConditionDraft {
  return readyUnless(obstacleOf(seen, rest, nowMs), seen.spec);
}

/** Ready as the spec asks, or why not. */
export function readyUnless(
  obstacle: Problem | undefined,
  { power, paused }: Pick<InstanceObservation["spec"], "power" | "paused">,
): ConditionDraft {
  if (obstacle) return isNotSo("Ready", obstacle);
  if (power === "Off") return isSo("Ready", "PoweredOff", "The board is switched off, as the spec asks.");
  if (paused) return isSo("Ready", "Paused", "The board is started with its CPU stopped, as the spec asks.");
  return isSo("Ready", "Running", "The board runs.");
}

function obstacleOf(seen: InstanceObservation, rest: readonly ConditionDraft[], nowMs: number): Problem | undefined {
  if (isExpired(seen, nowMs)) return EXPIRED;
  if (seen.board.state === "refused") return seen.board.problem;
  if (seen.service.state === "foreign") {
    const message = `A Service ${seen.name} is there already and belongs to somebody else. Delete it, or name the instance otherwise.`;
    return { reason: "ServiceNameTaken", message };
  }
  if (seen.unsupported) return seen.unsupported;
  // What does not go away by itself comes before what only takes its time.
  if (seen.firmware.state === "failed") return seen.firmware.problem;
  const stands = rest.find(
    ({ type, status }) => status === "False" && (type === "Scheduled" || type === "AgentConnected"),
  );
  return stands ?? boardObstacleOf(seen, rest);
}

/** Why the board is not as the spec asks, where it has its place and its agent answers. */
export function boardObstacleOf(
  seen: Pick<InstanceObservation, "agent" | "generation" | "desiredDigest" | "refusedByAgent">,
  rest: readonly ConditionDraft[],
): Problem | undefined {
  const instance = instanceOf(seen.agent);
  if (seen.refusedByAgent) return seen.refusedByAgent;
  if (!instance || instance.generation !== seen.generation || instance.digest !== seen.desiredDigest) return NOT_TOLD;
  if (instance.isReady) return undefined;
  if (instance.error) return { reason: instance.error.code, message: instance.error.message };
  const running = rest.find(({ type }) => type === "EmulatorRunning");
  if (running && running.status !== "True") return running;
  return { reason: "NotReady", message: "The board runs; its ready pattern has not appeared yet." };
}
