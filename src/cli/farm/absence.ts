import type { FollowOptions } from "../../client/farm-client.ts";
import { formatDuration } from "../../core/schema/duration.ts";

/** Tells a person that the farm went away, and that it came back. */
export function tellAbsence(say: (text: string) => void): Required<Pick<FollowOptions, "onAway" | "onBack">> {
  return {
    onAway: (giveUpAfterMs) => say(`the farm does not answer; trying again for ${formatDuration(giveUpAfterMs)}`),
    onBack: () => say("the farm answers again"),
  };
}
