import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { RestartBackOff } from "../../../src/agent/instance/restart-back-off.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** How long after its end a guest is started again that lives for so long. */
function waitAfterLife(backOff: RestartBackOff, lifeMs: number): number {
  backOff.started();
  vi.advanceTimersByTime(lifeMs);
  let dueMs: number | undefined;
  const endedMs = performance.now();
  backOff.schedule(() => {
    dueMs = performance.now() - endedMs;
  });
  expect(backOff.isDue).toBe(false);
  vi.runAllTimers();
  expect(backOff.isDue).toBe(true);
  return dueMs ?? Number.NaN;
}

it("waits twice as long before each restart, up to a minute", () => {
  const backOff = new RestartBackOff();
  const waits = Array.from({ length: 8 }, () => waitAfterLife(backOff, 50));
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

it("begins anew after a guest that ran for more than a minute, and after no shorter one", () => {
  const backOff = new RestartBackOff();
  expect(waitAfterLife(backOff, 50)).toBe(1_000);
  expect(waitAfterLife(backOff, 60_000)).toBe(2_000);
  expect(waitAfterLife(backOff, 60_001)).toBe(1_000);
  expect(waitAfterLife(backOff, 50)).toBe(2_000);
});

it("begins anew when something else is wanted", () => {
  const backOff = new RestartBackOff();
  waitAfterLife(backOff, 50);
  waitAfterLife(backOff, 50);
  backOff.reset();
  expect(backOff.isDue).toBe(false);
  expect(waitAfterLife(backOff, 50)).toBe(1_000);
});

it("calls back once, however often it is asked, and not at all when it is cancelled", () => {
  const backOff = new RestartBackOff();
  const calls: string[] = [];
  backOff.started();
  backOff.schedule(() => calls.push("first"));
  backOff.schedule(() => calls.push("second"));
  vi.runAllTimers();
  backOff.schedule(() => calls.push("third"));
  vi.runAllTimers();
  expect(calls).toEqual(["first"]);

  backOff.started();
  backOff.schedule(() => calls.push("fourth"));
  backOff.cancel();
  vi.runAllTimers();
  expect(calls).toEqual(["first"]);
});
