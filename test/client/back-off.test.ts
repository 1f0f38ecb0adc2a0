import { afterEach, expect, test, vi } from "vitest";

const { waits } = vi.hoisted(() => ({ waits: [] as number[] }));
vi.mock("node:timers/promises", () => ({ setTimeout: async (ms: number) => void waits.push(ms) }));

import { BackOff } from "../../src/client/back-off.ts";

afterEach(() => void waits.splice(0));

test("pauses double up to the longest, and begin anew once it went well", async () => {
  const backOff = new BackOff({ firstMs: 50, longestMs: 300 });
  for (let tries = 0; tries < 5; tries++) await backOff.pause();
  backOff.reset();
  await backOff.pause();
  expect(waits).toEqual([50, 100, 200, 300, 300, 50]);
});

test("a pause is no pause for one who is to end", async () => {
  const reason = new Error("enough");
  await expect(new BackOff({ firstMs: 50, longestMs: 300 }).pause(AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(waits).toEqual([]);
});
