import { FarmError } from "../../core/error/farm-error.ts";
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
      return new FarmError("GuestCrashed", { detail: crashText(detail, exit.place) });
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

/** Of an Arm emulator's dump of registers, those that say where it crashed; all of it stays in the guest's end. */
function crashText(detail: string, place: string | undefined): string {
  const register = (name: string) => new RegExp(`\\b${name}=([0-9a-f]{8})\\b`).exec(detail)?.[1];
  const where = [
    ["PC", register("R15")],
    ["LR", register("R14")],
    ["XPSR", register("XPSR")],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${name} 0x${value}`]));
  const words = place === undefined ? "" : ` ${place}`;
  if (where.length === 0) return `${detail}${words}`;
  return `${detail.split("\n", 1)[0]}${words} (${where.join(", ")})`;
}

/** Ends by which a guest ends itself, as firmware that is done does. */
export function isOwnEnd(exit: GuestExit): boolean {
  return exit.reason === "GuestExited" || exit.reason === "GuestShutdown" || exit.reason === "GuestReset";
}

/** The end of a guest in a few words. */
export function describeExit(exit: GuestExit): string {
  return exit.code === undefined ? exit.reason : `${exit.reason} with code ${exit.code}`;
}
