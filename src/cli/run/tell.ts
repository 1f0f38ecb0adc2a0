import { followUp, sameAgain } from "../farm/follow-up.ts";
import type { FarmOptions } from "../farm-options.ts";
import { painter } from "../screen/style.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Outcome } from "./run-place.ts";
import type { Words } from "./words.ts";

interface Told {
  readonly board: string;
  readonly image: string;
  readonly json?: true;
  readonly logFile?: string;
  /** How the farm was named. */
  readonly way: FarmOptions;
  /** Whoever sat at the console has left it, which ended the run. */
  readonly isLeft: boolean;
}

/** Tells the outcome of `emufarm run`: a line where it passed, all that helps where it did not. */
export async function tell(surroundings: Surroundings, words: Words, outcome: Outcome, told: Told): Promise<void> {
  const { stdout, stderr, env } = surroundings;
  const { verdict, error, result, isFlaky, jobId } = outcome;
  const { board, image } = told;
  if (told.json) {
    stdout.write(`${JSON.stringify({ board, image, jobId, verdict, isFlaky, error, result })}\n`);
    return;
  }
  const paint = painter(stderr, env);
  const seconds = result ? ` in ${(result.timings.totalMs / 1_000).toFixed(2)} s` : "";
  if (verdict === "passed") {
    words.say(`${paint("green", "passed")}${seconds}${isFlaky ? ", after a retry" : ""}`);
    return;
  }
  if (verdict === "cancelled") {
    const why = error ? `: ${error.details.reason}` : "";
    words.say(told.isLeft ? paint("yellow", "ended by you") : `${paint("yellow", "cancelled")}${why}`);
    return;
  }
  const { describeFailure } = await import("../screen/failure.ts");
  const log =
    jobId === undefined ? "above; --serial-log-file FILE keeps it" : followUp(surroundings, told.way, ["logs", jobId]);
  const lines = describeFailure(
    {
      error,
      result,
      // Where nothing was written there is nothing to read.
      fullLog: result?.logs.some(({ bytes }) => bytes > 0) ? (told.logFile ?? log) : undefined,
      again: sameAgain(surroundings, told.way),
    },
    paint,
  );
  const name = paint("red", verdict === "timedOut" ? "timed out" : verdict);
  words.say(`${name}${seconds}\n${lines.join("\n")}`);
}
