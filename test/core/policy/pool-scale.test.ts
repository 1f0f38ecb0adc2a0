import fc from "fast-check";
import { expect, test } from "vitest";
import { type AskedReplicas, decide, remember, replicasFor } from "../../../src/core/policy/pool-scale.ts";
import { emulatorPoolSpec } from "../../../src/core/schema/emulator-pool.ts";

const specOf = (fields: object = {}) => emulatorPoolSpec.parse({ maxReplicas: 10, slotsPerPod: 4, ...fields });

test.each<[string, object, { waiting: number; busySlots: number }, number]>([
  ["nothing to do: none", {}, { waiting: 0, busySlots: 0 }, 0],
  ["one job needs an agent", {}, { waiting: 1, busySlots: 0 }, 1],
  ["slots in use and jobs that wait, together", {}, { waiting: 3, busySlots: 6 }, 3],
  ["never more than allowed", {}, { waiting: 1_000, busySlots: 0 }, 10],
  ["never fewer than allowed", { minReplicas: 2 }, { waiting: 0, busySlots: 0 }, 2],
  ["free slots are kept beside", { minAvailable: 3 }, { waiting: 0, busySlots: 2 }, 2],
  ["free slots as a share of those in use", { minAvailable: "50%" }, { waiting: 0, busySlots: 8 }, 3],
  ["a share of nothing is nothing", { minAvailable: "50%" }, { waiting: 0, busySlots: 0 }, 0],
])("%s", (_name, spec, demand, replicas) => {
  expect(replicasFor(specOf(spec), demand)).toBe(replicas);
});

test("more is asked for at once, less when it has been enough for the delay", () => {
  const spec = specOf({ scaleDownDelay: "60s" });
  let asked = remember([], 2, spec, 0);
  expect(decide(asked, spec)).toEqual({ replicas: 2 });
  asked = remember(asked, 7, spec, 10_000);
  expect(decide(asked, spec)).toEqual({ replicas: 7 });
  asked = remember(asked, 1, spec, 20_000);
  expect(decide(asked, spec)).toEqual({ replicas: 7, untilMs: 80_000 });
  asked = remember(asked, 4, spec, 30_000);
  asked = remember(asked, 0, spec, 40_000);
  asked = remember(asked, 0, spec, 80_000);
  expect(decide(asked, spec)).toEqual({ replicas: 4, untilMs: 100_000 });
  asked = remember(asked, 0, spec, 100_000);
  expect(decide(asked, spec)).toEqual({ replicas: 0 });
});

test("what was asked for before counts no more than is allowed now", () => {
  const asked = remember([], 9, specOf(), 0);
  expect(decide(asked, specOf({ maxReplicas: 3 }))).toEqual({ replicas: 3 });
});

test("it is always the most of what was asked for within the delay", () => {
  const spec = specOf({ scaleDownDelay: "10s" });
  const turns = fc.array(fc.record({ pauseMs: fc.integer({ min: 1, max: 8_000 }), replicas: fc.nat(10) }), {
    minLength: 1,
  });
  fc.assert(
    fc.property(turns, (all) => {
      let asked: AskedReplicas[] = [];
      let nowMs = 0;
      const said: { replicas: number; fromMs: number }[] = [];
      for (const { pauseMs, replicas } of all) {
        nowMs += pauseMs;
        said.push({ replicas, fromMs: nowMs });
        asked = remember(asked, replicas, spec, nowMs);
        const within = said.filter(
          (_one, index) => (said[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY) > nowMs - 10_000,
        );
        expect(decide(asked, spec).replicas).toBe(Math.max(...within.map((one) => one.replicas)));
      }
    }),
  );
});
