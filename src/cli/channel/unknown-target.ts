import { FarmError } from "../../core/error/farm-error.ts";
import { nearestName } from "../../core/policy/nearest-name.ts";
import { RUN_ID } from "../command/farm-ids.ts";

interface Looked {
  /** Where nobody of that name was found, such as `namespace lab`. */
  readonly where?: string;
  readonly cause?: unknown;
}

/** Nobody has that name; one of these may have been meant. */
export function unknownTarget(
  name: string,
  known: readonly string[],
  { where, cause }: Looked = {},
): FarmError<"UnknownTarget"> {
  const hint = RUN_ID.test(name) ? ` A run is no target; its jobs are: emufarm get ${name}` : hintOf(name, known);
  const shown = where === undefined ? name : `${name} in ${where}`;
  return new FarmError("UnknownTarget", { name: shown, hint }, cause === undefined ? {} : { cause });
}

function hintOf(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? listOf(known) : ` Did you mean ${nearest}?`;
}

/** As many as a person reads. */
const MOST_LISTED = 5;

function listOf(known: readonly string[]): string {
  if (known.length === 0) return " Nothing is there that could be meant.";
  const rest = known.length > MOST_LISTED ? ", ..." : "";
  return ` There is ${known.slice(0, MOST_LISTED).join(", ")}${rest}.`;
}
