import fc from "fast-check";
import { expect, test } from "vitest";
import { activeOf, planRotation } from "../../../src/core/policy/key-rotation.ts";

const RULES = { lifeMs: 1_000, leadMs: 100, retireMs: 200 };
const key = (activeFromMs: number) => ({ activeFromMs });

test.each([
  ["no key: one is made, and used at once", [], 5_000, [], 5_000],
  ["one key in the middle of its life is left alone", [0], 500, [0], undefined],
  ["a successor is made known before it is used", [0], 900, [0], 1_000],
  ["while it waits for its time both are kept", [0, 1_000], 950, [0, 1_000], undefined],
  ["the predecessor is kept while what it has signed is good", [0, 1_000], 1_150, [0, 1_000], undefined],
  ["then it goes", [0, 1_000], 1_200, [1_000], undefined],
  ["after a long sleep of the operator the old key still signs until the new one is known", [0], 9_000, [0], 9_100],
] as const)("%s", (_what, known, nowMs, kept, madeFromMs) => {
  const plan = planRotation(known.map(key), nowMs, RULES);
  expect(plan.keep).toEqual(kept.map(key));
  expect(plan.makeFromMs).toBe(madeFromMs);
  expect(plan.nextAtMs).toBeGreaterThan(nowMs);
});

test("whenever somebody looks, one key is in use, at most two are known, and none is used before it was known for long enough", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 60 }), (pauses) => {
      let nowMs = 0;
      let keys: readonly { activeFromMs: number; knownFromMs: number }[] = [];
      for (const pauseMs of [0, ...pauses]) {
        nowMs += pauseMs;
        const isFirst = keys.length === 0;
        const { keep, makeFromMs } = planRotation(keys, nowMs, RULES);
        keys = makeFromMs === undefined ? keep : [...keep, { activeFromMs: makeFromMs, knownFromMs: nowMs }];
        expect(keys.length).toBeLessThanOrEqual(2);
        expect(activeOf(keys, nowMs)).toBeDefined();
        if (isFirst) continue;
        for (const { activeFromMs, knownFromMs } of keys) {
          if (knownFromMs > 0) expect(activeFromMs - knownFromMs).toBe(RULES.leadMs);
        }
      }
    }),
  );
});

test("who looks when it is told to, sees each key used for its life", () => {
  let nowMs = 0;
  let keys: readonly { activeFromMs: number }[] = [];
  const made: number[] = [];
  while (made.length < 5) {
    const plan = planRotation(keys, nowMs, RULES);
    if (plan.makeFromMs !== undefined) made.push(plan.makeFromMs);
    keys = plan.makeFromMs === undefined ? plan.keep : [...plan.keep, key(plan.makeFromMs)];
    nowMs = plan.nextAtMs;
  }
  expect(made).toEqual([0, 1_000, 2_000, 3_000, 4_000]);
});
