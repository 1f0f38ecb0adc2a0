import type { ObservedPod, Problem } from "../../core/policy/instance-observation.ts";
import type { ContainerStatus, Pod } from "./kinds.ts";
import { TEMPLATE_ANNOTATION } from "./labels.ts";

/** A pod as plans see it. */
export function observePod(pod: Pod): ObservedPod {
  const { name = "", uid = "", creationTimestamp, deletionTimestamp, annotations } = pod.metadata;
  const nodeName = pod.spec?.nodeName;
  const problem = problemOf(pod);
  return {
    name,
    uid,
    createdMs: creationTimestamp === undefined ? 0 : Date.parse(creationTimestamp),
    templateKey: annotations?.[TEMPLATE_ANNOTATION] ?? "",
    phase: phaseOf(pod.status?.phase),
    nodeName,
    isReady: isPodReady(pod),
    goneByMs: deletionTimestamp === undefined ? undefined : Date.parse(deletionTimestamp),
    problem,
    agentEnd: agentEndOf(pod),
  };
}

/** True where the kubelet says that the agent serves. */
export function isPodReady({ status }: Pod): boolean {
  return status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
}

/** What is told of a container that has been started again in its pod. */
function agentEndOf({ status }: Pod): ObservedPod["agentEnd"] {
  const terminated = status?.containerStatuses?.[0]?.lastState?.terminated;
  if (terminated?.finishedAt === undefined) return undefined;
  return { message: endOf(terminated), atMs: Date.parse(terminated.finishedAt) };
}

const PHASES = ["Running", "Succeeded", "Failed", "Unknown"] as const;

function phaseOf(phase: string | undefined): ObservedPod["phase"] {
  return PHASES.find((known) => known === phase) ?? "Pending";
}

/** Waiting for these is how every container begins. */
const USUAL_WAITS = ["ContainerCreating", "PodInitializing"];

/** Why a pod does not come up, or has ended, in the system's own words. */
function problemOf({ status, metadata }: Pod): Problem | undefined {
  if (!status) return undefined;
  const { reason, message, conditions = [], containerStatuses = [] } = status;
  if (reason) return { reason: wordOf(reason), message: message || reason };
  const disrupted = conditions.find((one) => one.type === "DisruptionTarget" && one.status === "True");
  if (disrupted)
    return { reason: wordOf(disrupted.reason ?? "Disrupted"), message: disrupted.message ?? "It was evicted." };
  const unscheduled = conditions.find(({ type, status: value }) => type === "PodScheduled" && value === "False");
  if (unscheduled) {
    return {
      reason: wordOf(unscheduled.reason ?? "Unschedulable"),
      message: unscheduled.message ?? "No node takes the pod.",
    };
  }
  for (const container of containerStatuses) {
    const found = containerProblem(container);
    if (found) return found;
  }
  if (metadata.deletionTimestamp !== undefined) return { reason: "PodDeleted", message: "The pod was deleted." };
  return undefined;
}

function containerProblem({ state, lastState, restartCount = 0 }: ContainerStatus): Problem | undefined {
  const { waiting, terminated } = state ?? {};
  const before = lastState?.terminated;
  if (waiting?.reason && !USUAL_WAITS.includes(waiting.reason)) {
    const words = [waiting.message, before && endOf(before)].filter((one) => one !== undefined && one !== "");
    return { reason: wordOf(waiting.reason), message: words.join("; ") || waiting.reason };
  }
  if (terminated) return { reason: wordOf(terminated.reason ?? "Terminated"), message: endOf(terminated) };
  if (before && restartCount > 0 && !state)
    return { reason: wordOf(before.reason ?? "Terminated"), message: endOf(before) };
  return undefined;
}

function endOf({ reason, message, exitCode }: { reason?: string; message?: string; exitCode?: number }): string {
  const said = message ? `: ${message.trim().slice(-500)}` : "";
  return `the agent ended with code ${exitCode ?? "unknown"} (${reason ?? "no reason given"})${said}`;
}

/** A reason has to be one word in CamelCase. */
function wordOf(text: string): string {
  const word = text.replace(/[^A-Za-z0-9_]/g, "");
  return /^[A-Za-z]/.test(word) ? word : `Reason${word}`;
}
