import { expect, test } from "vitest";
import { type BootEnd, classifyExit, startError } from "../../../src/agent/boot/exit-classification.ts";

const LOCKUP =
  "qemu-system-arm: warning: nic lan9118.0 has no peer\nqemu: fatal: Lockup: can't escalate 3 to HardFault\n\nR00=1";
const NO_MEMORY = "GLib: ../gmem.c:207: failed to allocate 96256 bytes";

interface Row extends Partial<Omit<BootEnd, "process">> {
  code?: number | null;
  signal?: NodeJS.Signals;
  stderr?: string;
}

function endOf({ code, signal, stderr = "", ...rest }: Row): BootEnd {
  return {
    process: { code: signal ? null : (code ?? 0), signal: signal ?? null, stderr },
    shutdownReason: undefined,
    isEmulatorAlive: false,
    exitCode: undefined,
    refusal: undefined,
    hasAnswered: true,
    endedFor: undefined,
    resets: 0,
    endings: ["semihosting", "shutdown", "reset"],
    ...rest,
  };
}

test.each<[string, Row, object]>([
  ["semihosting's exit call with 0", { code: 0 }, { reason: "GuestExited", code: 0 }],
  ["semihosting's exit call with 3", { code: 3 }, { reason: "GuestExited", code: 3 }],
  ["a power-off", { shutdownReason: "guest-shutdown" }, { reason: "GuestShutdown" }],
  ["a power-off with a code", { shutdownReason: "guest-shutdown", code: 4 }, { reason: "GuestExited", code: 4 }],
  ["a finisher's failure", { shutdownReason: "guest-panic", code: 5 }, { reason: "GuestExited", code: 5 }],
  [
    "a lockup in a machine that is kept",
    {
      shutdownReason: "guest-panic",
      stderr: "qemu: guest: Lockup: can't escalate\n",
      registers: "R00=0 R15=4\r\nXPSR=1\r\n",
    },
    { reason: "GuestCrashed", detail: "qemu: guest: Lockup: can't escalate\nR00=0 R15=4\nXPSR=1" },
  ],
  ["a panic without a code", { shutdownReason: "guest-panic" }, { reason: "GuestCrashed" }],
  ["a reset that is the end", { shutdownReason: "guest-reset" }, { reason: "GuestReset" }],
  ["isa-debug-exit with 0", { endings: ["debug-exit"], code: 1 }, { reason: "GuestExited", code: 0 }],
  ["isa-debug-exit with 21", { endings: ["debug-exit"], code: 43 }, { reason: "GuestExited", code: 21 }],
  [
    "isa-debug-exit as newer emulators tell it",
    { endings: ["debug-exit"], code: 43, shutdownReason: "guest-shutdown" },
    { reason: "GuestExited", code: 21 },
  ],
  [
    "a lockup",
    { signal: "SIGABRT", stderr: LOCKUP },
    { reason: "GuestCrashed", signal: "SIGABRT", detail: expect.stringMatching(/^qemu: fatal: Lockup/) },
  ],
  ["a crash of the emulator", { signal: "SIGSEGV" }, { reason: "GuestCrashed", signal: "SIGSEGV" }],
  ["a reset loop", { endedFor: "resetLoop", resets: 21, signal: "SIGKILL" }, { reason: "ResetLoop" }],
  ["an emulator that talks nonsense", { endedFor: "protocol", signal: "SIGKILL" }, { reason: "GuestCrashed" }],
  ["the sandbox", { signal: "SIGSYS" }, { reason: "SandboxViolation", signal: "SIGSYS" }],
  ["the memory limit", { signal: "SIGTRAP", stderr: NO_MEMORY }, { reason: "MemoryLimit", signal: "SIGTRAP" }],
  ["the memory limit at the start", { code: 1, hasAnswered: false, stderr: NO_MEMORY }, { reason: "MemoryLimit" }],
  ["a kill from outside", { signal: "SIGKILL" }, { reason: "EmulatorKilled", signal: "SIGKILL" }],
  ["a SIGTERM from outside", { shutdownReason: "host-signal" }, { reason: "EmulatorKilled", signal: "SIGTERM" }],
  ["the farm's stop", { endedFor: "stop", shutdownReason: "host-qmp-quit" }, { reason: "Stopped" }],
  ["the farm's stop by force", { endedFor: "stop", signal: "SIGKILL" }, { reason: "Stopped" }],
  ["the farm's stop before the start", { endedFor: "stop", hasAnswered: false }, { reason: "Stopped" }],
  ["a stop that came too late", { endedFor: "stop", code: 2 }, { reason: "GuestExited", code: 2 }],
  ["a stop after a power-off", { endedFor: "stop", shutdownReason: "guest-shutdown" }, { reason: "GuestShutdown" }],
  [
    "a power-off after which the emulator hung",
    { shutdownReason: "guest-shutdown", signal: "SIGKILL" },
    { reason: "GuestShutdown" },
  ],
  [
    "a refusal",
    { code: 1, hasAnswered: false, stderr: "qemu-system-arm: could not load kernel 'x'" },
    { reason: "EmulatorRefused", code: 1, detail: "qemu-system-arm: could not load kernel 'x'" },
  ],
  [
    "an error of the emulator on a board without exit codes",
    { code: 1, endings: ["none"], stderr: "qemu: error: no" },
    { reason: "GuestCrashed", code: 1 },
  ],
])("%s", (_, row, expected) => {
  expect(classifyExit(endOf(row))).toMatchObject(expected);
});

test.each([
  ["the image", "could not load kernel '/x/fw.elf'", "EmulatorRefused", "job"],
  ["the machine's options", "Property 'virt.nope' not found", "EmulatorRefused", "job"],
  ["a file that may not be read", "Could not open '/x': Permission denied", "EmulatorStartFailed", "infrastructure"],
  ["a library that is missing", "error while loading shared libraries: x.so", "EmulatorStartFailed", "infrastructure"],
  ["KVM", "Could not access KVM kernel module", "EmulatorStartFailed", "infrastructure"],
])("a refusal because of %s is the fault of its class", (_, detail, code, errorClass) => {
  const error = startError({ reason: "EmulatorRefused", code: 1, detail });
  expect(error).toMatchObject({ code, class: errorClass });
  expect(error.message).toContain(detail);
});
