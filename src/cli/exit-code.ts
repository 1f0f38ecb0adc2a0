import type { FarmError } from "../core/error/farm-error.ts";
import type { VerdictName } from "../core/verdict.ts";

/** Exit codes of every command. */
export const EXIT = {
  passed: 0,
  failed: 1,
  badRequest: 2,
  authentication: 3,
  farmError: 5,
  timedOut: 42,
  interrupted: 130,
} as const;

const AUTHENTICATION = new Set(["Unauthenticated", "Forbidden", "ClusterLoginRefused"]);

/** The exit code for an error that ended a command. */
export function exitCodeOfError(error: Pick<FarmError, "code" | "class">): number {
  if (AUTHENTICATION.has(error.code)) return EXIT.authentication;
  if (error.code === "Cancelled") return EXIT.interrupted;
  if (error.code === "JobTimeout" || error.code === "StepTimeout") return EXIT.timedOut;
  // That a board, or what it can do, is not to be had here is the machine's fault, whatever it lacks.
  if (error.code === "BoardUnavailable" || error.code === "NotSupportedHere") return EXIT.farmError;
  if (error.class === "job") return EXIT.badRequest;
  return error.class === "test" ? EXIT.failed : EXIT.farmError;
}

/** The exit code for what a job ended as. */
export function exitCodeOfVerdict(
  verdict: VerdictName,
  error: Pick<FarmError, "code" | "class"> | undefined,
  timeoutExitCode: number = EXIT.timedOut,
): number {
  switch (verdict) {
    case "passed":
      return EXIT.passed;
    case "failed":
      return EXIT.failed;
    case "timedOut":
      return timeoutExitCode;
    case "cancelled":
      return EXIT.interrupted;
    case "errored":
      return error === undefined ? EXIT.farmError : exitCodeOfError(error);
  }
}
