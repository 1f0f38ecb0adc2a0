import { describe, expect, it } from "vitest";
import { describeFailure } from "../../../src/cli/screen/failure.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import type { AttemptResult } from "../../../src/core/wire/attempt.ts";

const paint = (_format: unknown, text: string) => text;
const error = new FarmError("ExpectationNotMet", {
  step: 'wait-serial "ready"',
  expected: "ready",
  actual: "the guest ended first",
}).toBody();

const result: AttemptResult = {
  verdict: "failed",
  steps: [
    { index: 0, title: 'write-serial "go"', outcome: "passed", clock: "wall" },
    { index: 1, title: 'wait-serial "ready"', outcome: "failed", durationMs: 1_234, clock: "wall" },
  ],
  testCases: [
    { suite: "math", name: "adds", outcome: "failed", message: "4 is not 5", file: "math.c", line: 7 },
    { suite: "math", name: "divides", outcome: "passed" },
  ],
  logs: [],
  lastLines: ["booting", "\x1b[31mpanic\x1b[0m\x07", ""],
  exit: { reason: "GuestCrashed", signal: "SIGABRT", detail: "qemu: fatal: Lockup" },
  resets: 0,
  boots: 1,
  startedAt: "2026-01-01T00:00:00Z",
  timings: { totalMs: 1_300 },
};

describe("a failure on the spot", () => {
  it("tells why, the step, the test, how the guest ended, its last lines, where the log is, and how to run it again", () => {
    expect(describeFailure({ error, result, fullLog: "emufarm logs r1", again: "emufarm run a b" }, paint)).toEqual([
      '  why   wait-serial "ready": expected ready, but the guest ended first. [ExpectationNotMet]',
      '  step  2 of 2, wait-serial "ready": failed after 1.2s',
      "  test  math: adds failed: 4 is not 5 (math.c:7)",
      "  guest it crashed (SIGABRT, qemu: fatal: Lockup)",
      "      │ booting",
      "      │ panic",
      "  log   emufarm logs r1",
      "  again emufarm run a b",
    ]);
  });

  it("tells the cause of a crash once", () => {
    const crash = new FarmError("GuestCrashed", { detail: "qemu: fatal: Lockup (PC 0x132)" }).toBody();
    const exit = { reason: "GuestCrashed", detail: "qemu: fatal: Lockup\nPC=00000132" } as const;
    const lines = describeFailure(
      { error: crash, result: { ...result, exit }, fullLog: undefined, again: undefined },
      paint,
    );
    expect(lines.filter((line) => line.includes("Lockup"))).toHaveLength(1);
    expect(lines).toContain("  guest it crashed");
  });

  it("asks about the image where nothing came on any UART", () => {
    const lines = (uarts: readonly number[], reason: "Stopped" | "GuestExited") => {
      const logs = uarts.map((bytes, index) => ({ uart: `uart${index}`, bytes, keptBytes: bytes }));
      const silent = { ...result, logs, exit: { reason } };
      return describeFailure({ error, result: silent, fullLog: undefined, again: undefined }, paint).join("\n");
    };
    expect(lines([0, 0], "Stopped")).toContain("  uart  nothing came on any; is the image made for this board");
    expect(lines([0, 1], "Stopped")).not.toContain("nothing came");
    expect(lines([0, 0], "GuestExited")).not.toContain("nothing came");
    expect(lines([], "Stopped")).not.toContain("nothing came");
  });

  it("tells what there is where no guest ran", () => {
    expect(describeFailure({ error, result: undefined, fullLog: undefined, again: undefined }, paint)).toHaveLength(1);
  });
});
