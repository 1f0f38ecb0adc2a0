import { painter, shellQuoted } from "../screen/style.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Outcome } from "./run-place.ts";

interface Told {
  readonly board: string;
  readonly image: string;
  readonly json?: true;
  readonly logFile?: string;
}

/** Tells the outcome of `emufarm run`: a line where it passed, all that helps where it did not. */
export async function tell(surroundings: Surroundings, outcome: Outcome, told: Told): Promise<void> {
  const { stdout, stderr, env, args } = surroundings;
  const { verdict, error, result, isFlaky, jobId } = outcome;
  const { board, image } = told;
  if (told.json) {
    stdout.write(`${JSON.stringify({ board, image, jobId, verdict, isFlaky, error, result })}\n`);
    return;
  }
  const paint = painter(stderr, env);
  const seconds = result ? ` in ${(result.timings.totalMs / 1_000).toFixed(2)} s` : "";
  // What the guest wrote may have ended in the middle of a line.
  const newLine = stdout.isTTY && stderr.isTTY ? "\n" : "";
  if (verdict === "passed") {
    stderr.write(`${newLine}emufarm: ${paint("green", "passed")}${seconds}${isFlaky ? ", after a retry" : ""}\n`);
    return;
  }
  if (verdict === "cancelled") {
    stderr.write(`${newLine}emufarm: ${paint("yellow", "cancelled")}${error ? `: ${error.details.reason}` : ""}\n`);
    return;
  }
  const { describeFailure } = await import("../screen/failure.ts");
  const lines = describeFailure(
    {
      error,
      result,
      fullLog:
        told.logFile ?? (jobId === undefined ? "above; --serial-log-file FILE keeps it" : `emufarm logs ${jobId}`),
      again: ["emufarm", ...args].map(shellQuoted).join(" "),
    },
    paint,
  );
  const name = paint("red", verdict === "timedOut" ? "timed out" : verdict);
  stderr.write(`${newLine}emufarm: ${name}${seconds}\n${lines.join("\n")}\n`);
}
