import type { Condition } from "../schema/condition.ts";
import type { StatusEvent } from "./instance-event.ts";

interface WithConditions {
  readonly conditions?: readonly Condition[] | undefined;
}

/** On the way to something else, or not known yet: nothing to tell anybody of. */
const PASSING = ["Progressing", "NoAgent"];

/**
 * What the change of a pool's or a board's status tells people: that it has become what it shall be, or why it has not.
 * Other words for the same reason are none, as a pool's count its agents.
 */
export function readyEventOf(before: WithConditions | undefined, after: WithConditions): StatusEvent | undefined {
  const was = readyOf(before);
  const is = readyOf(after);
  if (!is || PASSING.includes(is.reason)) return undefined;
  if (was?.status === is.status && was.reason === is.reason) return undefined;
  return { type: is.status === "True" ? "Normal" : "Warning", reason: is.reason, note: is.message };
}

function readyOf(status: WithConditions | undefined): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === "Ready");
}
