import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BackOff } from "../../src/client/back-off.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** How long the next pause is. */
async function pauseOf(backOff: BackOff): Promise<number> {
  const startedMs = performance.now();
  const done = backOff.pause();
  await vi.runAllTimersAsync();
  await done;
  return Math.round(performance.now() - startedMs);
}

async function pausesOf(backOff: BackOff, count: number): Promise<number[]> {
  const pauses: number[] = [];
  for (let tries = 0; tries < count; tries++) pauses.push(await pauseOf(backOff));
  return pauses;
}

test("pauses double up to the longest, and begin anew once it went well", async () => {
  const backOff = new BackOff({ firstMs: 50, longestMs: 300 });
  expect(await pausesOf(backOff, 5)).toEqual([50, 100, 200, 300, 300]);
  backOff.reset();
  expect(await pauseOf(backOff)).toBe(50);
});

test("what is about to be there is tried eagerly, so many times and until it went well once", async () => {
  const pauses = { firstMs: 100, longestMs: 300, eager: { everyMs: 20, tries: 3 } };
  expect(await pausesOf(new BackOff(pauses), 6)).toEqual([20, 20, 20, 100, 200, 300]);
  const backOff = new BackOff(pauses);
  expect(await pauseOf(backOff)).toBe(20);
  backOff.reset();
  expect(await pausesOf(backOff, 2)).toEqual([100, 200]);
});

test("a reason to hurry ends a pause, and makes those after it short again", async () => {
  const backOff = new BackOff({ firstMs: 50, longestMs: 60_000 });
  await pausesOf(backOff, 4);
  const pause = backOff.pause();
  const startedMs = performance.now();
  backOff.hurry();
  await pause;
  expect(performance.now()).toBe(startedMs);
  expect(vi.getTimerCount()).toBe(0);
  expect(await pausesOf(backOff, 2)).toEqual([50, 100]);
});

test("a pause is no pause for one who is to end, and is interrupted by the end", async () => {
  const reason = new Error("enough");
  const backOff = new BackOff({ firstMs: 50, longestMs: 300 });
  await expect(backOff.pause(AbortSignal.abort(reason))).rejects.toBe(reason);
  const closing = new AbortController();
  const pause = backOff.pause(closing.signal);
  closing.abort(reason);
  await expect(pause).rejects.toBe(reason);
  expect(vi.getTimerCount()).toBe(0);
});
