import { expect, it } from "vitest";
import { crashText } from "../../../src/core/policy/crash-text.ts";

it.each([
  ["words that say it all", { detail: "isa-debug-exit is gone\n" }, "isa-debug-exit is gone"],
  ["a place", { detail: "qemu: fatal: no", place: "at crash (a.c:1)" }, "qemu: fatal: no at crash (a.c:1)"],
  [
    "registers of an Arm CPU, of which three say where it was",
    { detail: "qemu: fatal: no\nR00=00000000 R14=fffffff9 R15=0000abcd\nXPSR=41000003" },
    "qemu: fatal: no (PC 0x0000abcd, LR 0xfffffff9, XPSR 0x41000003)",
  ],
])("a crash is told in a line, by %s", (_what, exit, text) => {
  expect(crashText(exit)).toBe(text);
});

it("a lock-up is told in plain words, after the emulator's own", () => {
  const detail = "qemu: fatal: Lockup: can't escalate 3 to HardFault (current priority -1)\nR15=0000abcd";
  expect(crashText({ detail })).toMatch(
    /^qemu: fatal: Lockup: can't escalate 3 to HardFault \(current priority -1\) \(PC 0x0000abcd\); the CPU locked up: /,
  );
});
