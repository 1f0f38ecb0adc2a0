import { z } from "zod";

/** What a job ends as. Once a verdict stands in the store it never changes. */
export const VERDICTS = ["passed", "failed", "timedOut", "errored", "cancelled"] as const;
export const verdictName = z
  .enum(VERDICTS)
  .describe(
    "passed; failed: the test says no; timedOut; errored: the farm or the request is at fault; cancelled by somebody.",
  );
export type VerdictName = z.infer<typeof verdictName>;

/**
 * Whose fault an error is, which decides the retry.
 * - test: the firmware or its test; never retried unless asked for.
 * - job: the request is wrong; never retried.
 * - infrastructure: the farm; retried elsewhere.
 */
export const ERROR_CLASSES = ["test", "job", "infrastructure"] as const;
export const errorClass = z.enum(ERROR_CLASSES).describe("Whose fault it is: test, job or infrastructure.");
export type ErrorClass = z.infer<typeof errorClass>;

/** How a boot of a guest ended. */
export const EXIT_REASONS = [
  /** The guest asked for the end with an exit code (semihosting, finisher, debug-exit). */
  "GuestExited",
  /** The guest powered itself off, without a code. */
  "GuestShutdown",
  /** The guest reset, on a board or job that takes a reset for the end. */
  "GuestReset",
  /** The guest reset more often than the limit allows. */
  "ResetLoop",
  /** The guest's CPU locked up, panicked, or made the emulator abort. */
  "GuestCrashed",
  /** The sandbox ended the emulator for a forbidden system call. */
  "SandboxViolation",
  /** The emulator went over its memory limit. */
  "MemoryLimit",
  /** The guest wrote more than the output limit. */
  "OutputLimit",
  /** The farm stopped the guest: its test was decided, timed out or cancelled. */
  "Stopped",
  /** The emulator ended at once and refused to run the guest. */
  "EmulatorRefused",
  /** The emulator was killed from outside, or the agent was. */
  "EmulatorKilled",
] as const;
export const exitReason = z.enum(EXIT_REASONS).describe("How the guest's last boot ended.");
export type ExitReason = z.infer<typeof exitReason>;
