import { expect, test } from "vitest";
import { InstanceUsage } from "../../../src/agent/instance/instance-usage.ts";

test("is in use from the first user to the last, and tells of these two only", () => {
  let nowMs = 0;
  const told: [boolean, string][] = [];
  const usage = new InstanceUsage(
    () => told.push([usage.isInUse, usage.lastUsedAt]),
    () => nowMs,
  );
  nowMs = 1_000;
  const first = usage.use();
  nowMs = 2_000;
  const second = usage.use();
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(usage.isInUse).toBe(true);
  nowMs = 9_000;
  second[Symbol.dispose]();
  expect(told).toEqual([
    [true, "1970-01-01T00:00:01.000Z"],
    [false, "1970-01-01T00:00:09.000Z"],
  ]);
});
