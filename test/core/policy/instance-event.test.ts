import { expect, test } from "vitest";
import { instanceEventOf, isNews } from "../../../src/core/policy/instance-event.ts";
import type { EmulatorInstanceStatus } from "../../../src/core/schema/emulator-instance-status.ts";

function statusOf(status: "True" | "False", reason: string, message = "Because."): EmulatorInstanceStatus {
  const lastTransitionTime = "2026-05-01T12:00:00Z";
  return { phase: "Running", conditions: [{ type: "Ready", status, reason, message, lastTransitionTime }] };
}

const running = statusOf("True", "Running");
const starting = statusOf("False", "Starting");
const crashed = statusOf("False", "GuestCrashed");

test.each<[string, EmulatorInstanceStatus | undefined, EmulatorInstanceStatus, boolean, string | undefined]>([
  ["a first status on its way", undefined, starting, true, undefined],
  ["becoming ready", starting, running, true, "Running"],
  ["staying ready", running, running, false, undefined],
  ["a crash", running, crashed, true, "GuestCrashed"],
  ["a step on the way", starting, statusOf("False", "Loading"), false, undefined],
  ["why it cannot be", starting, statusOf("False", "FirmwareUnknown"), true, "FirmwareUnknown"],
  ["the same reason in other words", crashed, statusOf("False", "GuestCrashed", "Again."), false, "GuestCrashed"],
])("%s", (_what, before, after, isToldAtOnce, event) => {
  expect(isNews(before, after)).toBe(isToldAtOnce);
  expect(instanceEventOf(before, after)?.reason).toBe(event);
});

test("what is as it shall be is normal, what went wrong is a warning", () => {
  expect(instanceEventOf(starting, running)?.type).toBe("Normal");
  expect(instanceEventOf(running, crashed)?.type).toBe("Warning");
  expect(instanceEventOf(running, statusOf("False", "GuestExited"))?.type).toBe("Normal");
  const failed = { ...statusOf("False", "GuestExited"), phase: "Failed" as const };
  expect(instanceEventOf(running, failed)?.type).toBe("Warning");
});
