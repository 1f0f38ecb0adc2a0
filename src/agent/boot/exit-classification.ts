import { FarmError } from "../../core/error/farm-error.ts";
import type { Ending } from "../../core/schema/board.ts";
import type { GuestExit } from "../../core/wire/attempt.ts";
import type { ProcessEnd } from "../emulator/emulator-process.ts";
import { lastWords } from "./last-words.ts";

/** All that is known of a boot once its emulator has ended. */
export interface BootEnd {
  readonly process: ProcessEnd;
  /** The emulator is there still: the guest has ended, or was halted. */
  readonly isEmulatorAlive: boolean;
  /** Reason of the first SHUTDOWN event (QMP's ShutdownCause). */
  readonly shutdownReason: string | undefined;
  /** Exit code in the SHUTDOWN event, which the farm's own QEMU gives. */
  readonly exitCode: number | undefined;
  /** Why the emulator did not take the firmware, where it said so by QMP. */
  readonly refusal: string | undefined;
  /** The CPU's registers after a panic, where the machine was kept and asked. */
  readonly registers?: string | undefined;
  /** QMP has answered. A guest runs only after that, and every SHUTDOWN since then has been told. */
  readonly hasAnswered: boolean;
  /** Why the farm ended the emulator, where it did. */
  readonly endedFor: "stop" | "resetLoop" | "protocol" | "lost" | undefined;
  readonly resets: number;
  /** How the board's guests can end. */
  readonly endings: readonly Ending[];
}

interface Rule {
  when(end: BootEnd): boolean;
  exit(end: BootEnd): GuestExit;
}

/** What an allocation beyond the limit makes QEMU, GLib and the C library say. */
const OUT_OF_MEMORY = /cannot allocate memory|failed to allocate|out of memory|memory exhausted|std::bad_alloc/i;
/** A refusal for reasons of the host, not of the image or the board. */
const HOST_FAULT =
  /permission denied|no space left|cannot allocate memory|shared libraries|kvm|too many open files|resource temporarily unavailable|failed to execute|seccomp/i;
const OUTSIDE_SIGNALS: readonly (string | null)[] = ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"];
/** Causes of a SHUTDOWN after which the guest no longer runs, whatever becomes of the emulator then. */
const GUEST_CAUSES: readonly (string | undefined)[] = ["guest-shutdown", "guest-reset", "guest-panic"];

/** In order: the first rule that fits says how the guest ended. */
const RULES: readonly Rule[] = [
  {
    when: (end) => end.refusal !== undefined,
    exit: (end) => ({ ...withWords("EmulatorRefused", end), code: codeOf(end) }),
  },
  {
    when: (end) => end.endedFor === "resetLoop",
    exit: (end) => ({ reason: "ResetLoop", detail: `${end.resets} resets` }),
  },
  {
    when: (end) => end.endedFor === "protocol",
    exit: () => ({ reason: "GuestCrashed", detail: "the emulator no longer spoke QMP" }),
  },
  {
    when: (end) => end.endedFor === "lost",
    exit: () => ({ reason: "EmulatorKilled", detail: "its snapshot could not be restored" }),
  },
  { when: (end) => end.endedFor === "stop" && !hasEndedByItself(end), exit: () => ({ reason: "Stopped" }) },
  { when: ({ process }) => process.signal === "SIGSYS", exit: (end) => withWords("SandboxViolation", end) },
  { when: isOutOfMemory, exit: (end) => withWords("MemoryLimit", end) },
  {
    when: ({ process, shutdownReason }) =>
      OUTSIDE_SIGNALS.includes(process.signal) && !GUEST_CAUSES.includes(shutdownReason),
    exit: (end) => withWords("EmulatorKilled", end),
  },
  {
    when: (end) => end.shutdownReason === "host-signal",
    exit: () => ({ reason: "EmulatorKilled", signal: "SIGTERM" }),
  },
  { when: (end) => end.shutdownReason?.startsWith("host-qmp") === true, exit: () => ({ reason: "Stopped" }) },
  {
    when: ({ process, shutdownReason }) => process.signal !== null && !GUEST_CAUSES.includes(shutdownReason),
    exit: (end) => withWords("GuestCrashed", end),
  },
  { when: isRefusal, exit: (end) => ({ ...withWords("EmulatorRefused", end), code: codeOf(end) }) },
  { when: (end) => end.shutdownReason === "guest-reset", exit: () => ({ reason: "GuestReset" }) },
  {
    // A finisher's failure comes as a panic with a code; a panic without one must not look like success.
    when: (end) => end.shutdownReason === "guest-panic" && codeOf(end) === 0,
    exit: ({ process, registers = "" }) => ({
      reason: "GuestCrashed",
      detail: lastWords(`${process.stderr}\n${registers}`) || "the guest panicked",
    }),
  },
  {
    // isa-debug-exit ends QEMU with (value << 1) | 1.
    when: (end) => end.endings.includes("debug-exit") && codeOf(end) % 2 === 1,
    exit: (end) => ({ reason: "GuestExited", code: codeOf(end) >> 1 }),
  },
  {
    // An exit call comes with its code, a power-off without.
    when: (end) => end.shutdownReason === "guest-shutdown" && codeOf(end) === 0 && end.exitCode === undefined,
    exit: () => ({ reason: "GuestShutdown" }),
  },
  { when: (end) => end.shutdownReason === "host-error", exit: (end) => withWords("GuestCrashed", end) },
  {
    when: (end) => end.shutdownReason !== undefined || end.endings.includes("semihosting"),
    exit: (end) => ({ reason: "GuestExited", code: codeOf(end) }),
  },
  { when: (end) => codeOf(end) !== 0, exit: (end) => ({ ...withWords("GuestCrashed", end), code: codeOf(end) }) },
];

/** How a guest ended, from what is left of its emulator. */
export function classifyExit(end: BootEnd): GuestExit {
  return RULES.find((rule) => rule.when(end))?.exit(end) ?? { reason: "GuestShutdown" };
}

/** Why a boot never ran, as the error of whoever is at fault. */
export function startError(exit: GuestExit): FarmError {
  const stderr = exit.detail ?? "nothing";
  if (exit.reason === "EmulatorRefused" && !HOST_FAULT.test(stderr)) {
    return new FarmError("EmulatorRefused", { code: exit.code ?? 1, stderr });
  }
  const detail = exit.reason === "EmulatorRefused" ? stderr : `it ended first (${exit.reason}): ${stderr}`;
  return new FarmError("EmulatorStartFailed", { detail });
}

/** What the emulator answered where it refused a command; undefined where it did not answer. */
export function refusal(error: unknown): string | undefined {
  if (!(error instanceof FarmError)) return undefined;
  const { qmpDescription } = error.details;
  return typeof qmpDescription === "string" ? qmpDescription : undefined;
}

/** True for a guest that was quicker than the farm's wish to stop it. */
function hasEndedByItself({ process, shutdownReason, hasAnswered, isEmulatorAlive }: BootEnd): boolean {
  if (shutdownReason !== undefined) return GUEST_CAUSES.includes(shutdownReason);
  // Asked to end, QEMU tells it by an event; ended without either, the guest has left by an exit call.
  return hasAnswered && !isEmulatorAlive && (process.signal === null || process.signal === "SIGABRT");
}

function isOutOfMemory({ process }: BootEnd): boolean {
  return (process.code !== 0 || process.signal !== null) && OUT_OF_MEMORY.test(process.stderr);
}

function isRefusal(end: BootEnd): boolean {
  return !end.hasAnswered && codeOf(end) !== 0;
}

function codeOf({ process, exitCode }: BootEnd): number {
  return exitCode ?? process.code ?? 0;
}

function withWords(reason: GuestExit["reason"], { process, refusal: said }: BootEnd): GuestExit {
  const detail = lastWords(said ?? process.stderr);
  return { reason, ...(process.signal !== null && { signal: process.signal }), ...(detail !== "" && { detail }) };
}
