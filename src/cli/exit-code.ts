import { ERRORS, type ErrorCode } from "../core/error/catalogue.ts";
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

/** How guests end by themselves: no error of the farm, and no success where something else was asked for. */
const ENDS_OF_GUESTS = new Set(["GuestExited", "GuestShutdown", "GuestReset"]);

type ErrorFacts = Pick<FarmError, "code" | "class"> & Partial<Pick<FarmError, "details">>;

/** The exit code for an error that ended a command. */
export function exitCodeOfError(error: ErrorFacts): number {
  if (AUTHENTICATION.has(error.code)) return EXIT.authentication;
  if (error.code === "Cancelled") return EXIT.interrupted;
  if (error.code === "JobTimeout" || error.code === "StepTimeout") return EXIT.timedOut;
  // That a board, or what it can do, is not to be had here is the machine's fault, whatever it lacks.
  if (error.code === "BoardUnavailable" || error.code === "NotSupportedHere") return EXIT.farmError;
  if (error.code === "InstanceNotReady") return exitCodeOfReason(String(error.details?.reason));
  if (error.class === "job") return EXIT.badRequest;
  return error.class === "test" ? EXIT.failed : EXIT.farmError;
}

/** By why an instance is not ready: what its guest did, what was asked for, or the farm. */
function exitCodeOfReason(reason: string): number {
  if (ENDS_OF_GUESTS.has(reason)) return EXIT.failed;
  if (!(reason in ERRORS) || reason === "InstanceNotReady") return EXIT.farmError;
  const code = reason as ErrorCode;
  return exitCodeOfError({ code, class: ERRORS[code].class });
}

/** The exit code for what a job ended as. */
export function exitCodeOfVerdict(
  verdict: VerdictName,
  error: ErrorFacts | undefined,
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
