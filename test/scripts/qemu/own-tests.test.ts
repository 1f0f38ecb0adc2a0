import { expect, test } from "vitest";
import { countTap, countUnittest } from "../../../scripts/qemu/own-tests.ts";

test("cases of QEMU's own tests in C are counted by their TAP", () => {
  const output = [
    "TAP version 13",
    "# random seed: R02S63e2",
    "1..4",
    "ok 1 /arm/sse-timer/counter",
    "ok 2 /arm/hotplug # SKIP no such machine",
    "not ok 3 /arm/sse-timer/timer",
    "# ok 7 is talk",
    "ok 4 /arm/sse-timer/timer-scale-change",
  ].join("\n");
  expect(countTap(output)).toEqual({ cases: 4, failed: 1, skipped: 1 });
  expect(countTap("")).toEqual({ cases: 0, failed: 0, skipped: 0 });
});

test.each([
  ["Ran 3 tests in 0.101s\n\nOK\n", { cases: 3, failed: 0, skipped: 0 }],
  ["Ran 3 tests in 0.101s\n\nOK (skipped=2)\n", { cases: 3, failed: 0, skipped: 2 }],
  ["Ran 4 tests in 1s\n\nFAILED (failures=1, errors=1, skipped=1)\n", { cases: 4, failed: 2, skipped: 1 }],
  ["ImportError: no module\n", { cases: 0, failed: 1, skipped: 0 }],
])("cases of those in Python are counted by unittest's last words: %j", (output, counted) => {
  expect(countUnittest(output)).toEqual(counted);
});
