import type { EmulatorInstanceStatus } from "../schema/emulator-instance-status.ts";

/** What is worth an Event of Kubernetes. */
export interface StatusEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly note: string;
}

/** On the way to something else: nothing to tell anybody of. */
const PASSING = [
  "NoPod",
  "Pending",
  "Connecting",
  "Updating",
  "Starting",
  "Loading",
  "Resolving",
  "NotReady",
  "PodTerminating",
];

/** Whether a reason for not being ready goes away by itself. */
export function isPassing(reason: string): boolean {
  return PASSING.includes(reason);
}

const GOOD_ENDS = ["Expired", "GuestExited", "GuestShutdown"];

/** True where a person waits for this news: the instance has become what it shall be, is so no more, or cannot become so. */
export function isNews(before: EmulatorInstanceStatus | undefined, after: EmulatorInstanceStatus): boolean {
  const [was] = before?.conditions ?? [];
  const [is] = after.conditions ?? [];
  if (!is || was?.status !== is.status) return true;
  return was.reason !== is.reason && !PASSING.includes(is.reason);
}

/** What the change of a status tells people: that an instance has become what it shall be, or why it has not. */
export function instanceEventOf(
  before: EmulatorInstanceStatus | undefined,
  after: EmulatorInstanceStatus,
): StatusEvent | undefined {
  const was = before?.conditions?.find(({ type }) => type === "Ready");
  const is = after.conditions?.find(({ type }) => type === "Ready");
  if (!is || PASSING.includes(is.reason)) return undefined;
  if (was?.status === is.status && was.reason === is.reason && was.message === is.message) return undefined;
  const isGood = is.status === "True" || (GOOD_ENDS.includes(is.reason) && after.phase !== "Failed");
  return { type: isGood ? "Normal" : "Warning", reason: is.reason, note: is.message };
}
