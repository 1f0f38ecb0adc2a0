import type { EmulatorInstanceStatus } from "../schema/emulator-instance-status.ts";
import type { GuestExit } from "../wire/attempt.ts";
import type { InstanceStatus } from "../wire/desired-state.ts";
import { timestampOf, withTransitions } from "./condition-history.ts";
import { CONNECTING, instanceConditionsOf, instancePhaseOf } from "./instance-conditions.ts";
import { hasEnded, type InstanceObservation, livePodOf } from "./instance-observation.ts";
import { expiryMs } from "./instance-plan.ts";

/** What the status tells beyond what the plan needs. */
export interface InstanceFacts {
  readonly board?: EmulatorInstanceStatus["board"];
  readonly firmware?: EmulatorInstanceStatus["firmware"];
  /** Ports of the Service. */
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

/** The status that an instance shall show, from what is seen and what it showed before. */
export function instanceObjectStatus(
  seen: InstanceObservation,
  facts: InstanceFacts,
  before: EmulatorInstanceStatus | undefined,
  nowMs: number,
): EmulatorInstanceStatus {
  const pod = livePodOf(seen);
  const isSamePod = pod !== undefined && before?.podName === pod.name;
  // A leader that has just begun knows nothing of the agent yet: what was so stays until it is known to have changed.
  const isUnknown = isSamePod && pod.problem === undefined && isNotKnownYet(seen);
  if (isUnknown && before.observedGeneration === seen.generation && !saysNothingOfAgent(seen, before)) return before;
  const instance = seen.agent?.state === "connected" ? seen.agent.instance : undefined;
  const endMs = expiryMs(seen);
  const exit = lastExitOf(seen, before, nowMs);
  const restarts = instance?.restarts ?? before?.restarts;
  return {
    observedGeneration: seen.generation,
    phase: isUnknown ? (before.phase ?? "Starting") : instancePhaseOf(seen, nowMs),
    conditions: withTransitions(
      instanceConditionsOf(seen, nowMs),
      before?.conditions,
      seen.generation,
      timestampOf(nowMs),
    ),
    ...addressOf(seen, facts),
    ...definedOf({
      board: facts.board ?? before?.board,
      firmware: facts.firmware,
      emulator: instance?.emulator ?? (isSamePod ? before?.emulator : undefined),
      podName: pod?.name,
      nodeName: pod?.nodeName,
      storage: seen.spec.storage && !seen.spec.storage.emptyDir ? ("Persistent" as const) : ("Ephemeral" as const),
      restarts,
      lastExit: exit,
      expiresAt: endMs === undefined ? undefined : timestampOf(endMs),
    }),
  };
}

/** The agent has not been heard, or runs firmware of which this leader does not know yet whether it is the right one. */
function isNotKnownYet({ agent, firmware, generation }: InstanceObservation): boolean {
  if (agent === undefined || agent.state === "connecting") return true;
  const isAsking = firmware.state !== "none" && firmware.state !== "resolved" && firmware.isFirst;
  return isAsking && agent.state === "connected" && agent.instance?.generation === generation;
}

/** No agent had answered before either: what keeps the board from coming up, as wrong firmware, need not wait for one. */
function saysNothingOfAgent({ agent }: InstanceObservation, { conditions }: EmulatorInstanceStatus): boolean {
  if (agent?.state === "connected") return false;
  return conditions?.find(({ type }) => type === "AgentConnected")?.reason === CONNECTING.reason;
}

function addressOf(
  { name, namespace, spec, service }: InstanceObservation,
  { ports }: InstanceFacts,
): Pick<EmulatorInstanceStatus, "address" | "endpoints"> {
  if (spec.expose === "None" || service.state === "foreign") return {};
  const nodePorts = service.state === "good" ? service.nodePorts : {};
  return {
    address: `${name}.${namespace}.svc`,
    endpoints: ports.map((port) => {
      const nodePort = nodePorts[port.name];
      return { ...port, ...(nodePort !== undefined && { nodePort }) };
    }),
  };
}

const MAX_DETAIL = 4_096;
const MAX_LINES = 20;
const MAX_LINE = 1_024;

/** How the guest ended last, or its pod before it could say so. */
function lastExitOf(
  seen: InstanceObservation,
  before: EmulatorInstanceStatus | undefined,
  nowMs: number,
): EmulatorInstanceStatus["lastExit"] {
  const instance = seen.agent?.state === "connected" ? seen.agent.instance : undefined;
  const agentEnd = agentEndOf(seen, instance?.lastExitAt);
  if (agentEnd) return agentEnd;
  if (instance?.lastExit) return toldExit(instance.lastExit, instance);
  const lost = seen.pods.find((pod) => pod.name === before?.podName && (hasEnded(pod) || pod.goneByMs !== undefined));
  if (!lost || isOwnEnd(seen, nowMs)) return before?.lastExit;
  const detail = `pod ${lost.name}: ${lost.problem?.message ?? "it was deleted"}`.slice(0, MAX_DETAIL);
  if (before?.lastExit?.detail === detail) return before.lastExit;
  return { reason: "EmulatorKilled", detail, time: timestampOf(nowMs) };
}

/** An agent that ended took its guest along, and cannot tell: its pod does. Undefined where the guest has ended since. */
function agentEndOf(seen: InstanceObservation, lastExitAt: string | undefined): EmulatorInstanceStatus["lastExit"] {
  const pod = livePodOf(seen);
  if (!pod?.agentEnd) return undefined;
  const { message, atMs } = pod.agentEnd;
  if (lastExitAt !== undefined && Date.parse(lastExitAt) > atMs) return undefined;
  const detail = `pod ${pod.name}: ${message}`.slice(0, MAX_DETAIL);
  return { reason: "EmulatorKilled", detail, time: timestampOf(atMs) };
}

/** A pod that ended because the spec says so has lost no guest. */
function isOwnEnd(seen: InstanceObservation, nowMs: number): boolean {
  const endMs = expiryMs(seen);
  return seen.spec.power === "Off" || (endMs !== undefined && endMs <= nowMs);
}

/** The end of a guest as the status tells it. */
export function toldExit({ reason, code, signal, detail }: GuestExit, { lastExitAt: at, lastLines }: InstanceStatus) {
  return {
    reason,
    ...definedOf({
      code,
      signal,
      detail: detail?.slice(-MAX_DETAIL),
      lastLines: lastLines?.slice(-MAX_LINES).map((line) => line.slice(0, MAX_LINE)),
      time: at === undefined ? undefined : timestampOf(Date.parse(at)),
    }),
  };
}

type Defined<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };

export function definedOf<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>;
}
