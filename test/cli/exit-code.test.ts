import { describe, expect, it } from "vitest";
import { EXIT, exitCodeOfError, exitCodeOfVerdict } from "../../src/cli/exit-code.ts";
import type { ErrorCode } from "../../src/core/error/catalogue.ts";
import { ERRORS } from "../../src/core/error/catalogue.ts";

const errorOf = (code: ErrorCode) => ({ code, class: ERRORS[code].class });

describe("the exit code", () => {
  it.each([
    ["passed", undefined, 0],
    ["failed", "ExpectationNotMet", 1],
    ["timedOut", "JobTimeout", 42],
    ["cancelled", "Cancelled", 130],
    ["errored", "FirmwareArchitecture", 2],
    ["errored", "BoardUnavailable", 5],
    ["errored", "NotSupportedHere", 5],
    ["errored", "EmulatorMissing", 5],
    ["errored", "EmulatorTooOld", 5],
    ["errored", "AgentLost", 5],
    ["errored", undefined, 5],
  ] as const)("of a job that %s with %s is %i", (verdict, code, expected) => {
    expect(exitCodeOfVerdict(verdict, code && errorOf(code))).toBe(expected);
  });

  it("of a timeout is the one that was asked for", () => {
    expect(exitCodeOfVerdict("timedOut", errorOf("JobTimeout"), 7)).toBe(7);
  });

  it.each([
    ["UnknownBoard", EXIT.badRequest],
    ["InvalidDocument", EXIT.badRequest],
    ["Unauthenticated", EXIT.authentication],
    ["Forbidden", EXIT.authentication],
    ["FarmNotRunning", EXIT.farmError],
    ["FolderInUse", EXIT.badRequest],
    ["PortInUse", EXIT.farmError],
    ["Cancelled", EXIT.interrupted],
  ] as const)("of the error %s is %i", (code, expected) => {
    expect(exitCodeOfError(errorOf(code))).toBe(expected);
  });

  it.each([
    ["GuestCrashed", EXIT.failed],
    ["GuestExited", EXIT.failed],
    ["EmulatorRefused", EXIT.badRequest],
    ["AgentLost", EXIT.farmError],
    ["Unschedulable", EXIT.farmError],
  ])("of an instance that is not ready for %s is %i", (reason, expected) => {
    expect(exitCodeOfError({ ...errorOf("InstanceNotReady"), details: { reason } })).toBe(expected);
  });
});
