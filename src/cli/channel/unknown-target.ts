import { FarmError } from "../../core/error/farm-error.ts";
import { nearestName } from "../../core/policy/nearest-name.ts";

/** Nobody has that name; one of these may have been meant. */
export function unknownTarget(name: string, known: readonly string[], cause?: unknown): FarmError<"UnknownTarget"> {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? listOf(known) : ` Did you mean ${nearest}?`;
  return new FarmError("UnknownTarget", { name, hint }, cause === undefined ? {} : { cause });
}

/** As many as a person reads. */
const MOST_LISTED = 5;

function listOf(known: readonly string[]): string {
  if (known.length === 0) return " Nothing is there that could be meant.";
  const rest = known.length > MOST_LISTED ? ", ..." : "";
  return ` There is ${known.slice(0, MOST_LISTED).join(", ")}${rest}.`;
}
