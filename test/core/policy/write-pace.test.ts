import fc from "fast-check";
import { expect, test } from "vitest";
import { afterWrite, STATUS_PACE, type WriteBudget, waitOf } from "../../../src/core/policy/write-pace.ts";

const NOW_MS = 1_000_000;

/** What is left after writes at these ages, oldest first. */
function budgetAfter(agesMs: readonly number[]): WriteBudget | undefined {
  return agesMs.reduce<WriteBudget | undefined>((budget, age) => afterWrite(budget, NOW_MS - age), undefined);
}

test.each<[string, number[], boolean, number]>([
  ["a first write waits for nothing", [], false, 0],
  ["the next one keeps the gap", [500], false, 1_500],
  ["one that somebody waits for does not", [500], true, 0],
  ["long after the last nothing is to wait for", [5_000], false, 0],
  ["after a burst one more comes with each refill", [4_000, 4_000, 4_000, 4_000, 4_000, 4_000], true, 6_000],
  ["steps on the way leave room for news", [5_000, 5_000, 5_000, 5_000, 5_000], false, 5_000],
  ["news takes that room", [5_000, 5_000, 5_000, 5_000, 5_000], true, 0],
  ["a calm of a minute is as good as new", [60_000, 60_000, 60_000, 60_000, 60_000, 60_000], true, 0],
])("%s", (_name, agesMs, isUrgent, waitMs) => {
  expect(waitOf(budgetAfter(agesMs), NOW_MS, isUrgent)).toBeCloseTo(waitMs);
});

test("whatever wants to be written, it is soon, and six a minute after the first burst", () => {
  const wishes = fc.array(fc.record({ pauseMs: fc.nat(5_000), isUrgent: fc.boolean() }), { maxLength: 200 });
  fc.assert(
    fc.property(wishes, (asked) => {
      let budget: WriteBudget | undefined;
      let nowMs = 0;
      let writes = 0;
      for (const { pauseMs, isUrgent } of asked) {
        nowMs += pauseMs;
        const waitMs = waitOf(budget, nowMs, isUrgent);
        expect(waitMs).toBeLessThanOrEqual((isUrgent ? 1 : 2) * STATUS_PACE.refillMs);
        if (waitMs > 0) continue;
        budget = afterWrite(budget, nowMs);
        writes += 1;
      }
      expect(writes).toBeLessThanOrEqual(STATUS_PACE.burst + Math.ceil(nowMs / STATUS_PACE.refillMs));
    }),
  );
});
