import { FarmError } from "../../core/error/farm-error.ts";
import { crashText } from "../../core/policy/crash-text.ts";
import type { GuestExit } from "../../core/wire/attempt.ts";

/** Limits of the guest, for the sentences of those ends that a limit brought about. */
export interface GuestLimits {
  readonly memoryLimitMiB: number;
  readonly outputLimitBytes: number;
  readonly maxResets: number;
}

/** What is wrong with the way a guest ended; undefined for an end that passes a test without a scenario. */
export function exitError(exit: GuestExit, limits: GuestLimits): FarmError | undefined {
  const detail = exit.detail ?? exit.signal ?? "the emulator said nothing";
  switch (exit.reason) {
    case "GuestShutdown":
    case "GuestReset":
      return undefined;
    case "GuestExited":
      return (exit.code ?? 0) === 0 ? undefined : new FarmError("NonZeroExit", { code: exit.code ?? 0 });
    case "GuestCrashed":
      return new FarmError("GuestCrashed", { detail: crashText({ ...exit, detail }) });
    case "ResetLoop":
      return new FarmError("ResetLoop", { resets: limits.maxResets + 1, allowed: limits.maxResets, detail });
    case "SandboxViolation":
      return new FarmError("SandboxViolation", { detail });
    case "MemoryLimit":
      return new FarmError("MemoryLimit", { limitMiB: limits.memoryLimitMiB, detail });
    case "OutputLimit":
      return new FarmError("OutputLimit", { limitBytes: limits.outputLimitBytes, uart: "its UARTs" });
    case "Stopped":
      return new FarmError("UnexpectedExit", { reason: "it was stopped", step: "nothing was decided yet" });
    case "EmulatorRefused":
      return new FarmError("EmulatorRefused", { code: exit.code ?? 1, stderr: detail });
    case "EmulatorKilled":
      return new FarmError("EmulatorKilled", { signal: exit.signal ?? "a signal" });
  }
}

/** Ends by which a guest ends itself, as firmware that is done does. */
export function isOwnEnd(exit: GuestExit): boolean {
  return exit.reason === "GuestExited" || exit.reason === "GuestShutdown" || exit.reason === "GuestReset";
}

/** The end of a guest in a few words. */
export function describeExit(exit: GuestExit): string {
  return exit.code === undefined ? exit.reason : `${exit.reason} with code ${exit.code}`;
}
