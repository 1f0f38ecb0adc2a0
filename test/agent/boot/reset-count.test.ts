import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ResetCount } from "../../../src/agent/boot/reset-count.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("the first reset is told at once, a flood of them a few times a second, the last count for certain", () => {
  const told: number[] = [];
  const resets = new ResetCount((count) => told.push(count));
  resets.add();
  expect(told).toEqual([1]);
  for (let count = 0; count < 1_700; count++) resets.add();
  expect(told).toEqual([1]);
  vi.advanceTimersByTime(300);
  expect(told).toEqual([1, 1_701]);
  resets.add();
  resets[Symbol.dispose]();
  expect(told).toEqual([1, 1_701, 1_702]);
  expect(vi.getTimerCount()).toBe(0);
});
