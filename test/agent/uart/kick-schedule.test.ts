import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KickSchedule } from "../../../src/agent/uart/kick-schedule.ts";

describe("A schedule of kicks", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function schedule() {
    const times: number[] = [];
    const startedAt = Date.now();
    return { times, kicks: new KickSchedule(() => times.push(Date.now() - startedAt)) };
  }

  test("kicks at once, then after 1, 2, 4 .. 250 ms, for 30 s", () => {
    const { times, kicks } = schedule();
    kicks.start();
    vi.advanceTimersByTime(60_000);
    expect(times.slice(0, 12)).toEqual([0, 1, 3, 7, 15, 31, 63, 127, 255, 505, 755, 1005]);
    expect(times.at(-1)).toBeGreaterThan(29_500);
    expect(times.at(-1)).toBeLessThan(30_500);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("starts over with each write, on one timer", () => {
    const { times, kicks } = schedule();
    for (let write = 0; write < 100; write += 1) kicks.start();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(100);
    kicks.start();
    vi.advanceTimersByTime(7);
    expect(times.slice(-4)).toEqual([100, 101, 103, 107]);
  });

  test("hurries once it has slowed down and the guest gives a sign of life", () => {
    const { times, kicks } = schedule();
    kicks.hurry();
    kicks.start();
    vi.advanceTimersByTime(20);
    kicks.hurry();
    vi.advanceTimersByTime(980);
    const before = times.length;
    kicks.hurry();
    vi.advanceTimersByTime(7);
    expect(times.slice(0, 6)).toEqual([0, 1, 3, 7, 15, 31]);
    expect(times.slice(before)).toEqual([1_001, 1_003, 1_007]);
  });

  test("stops when the emulator is gone, and has no timer before the first write", () => {
    const { times, kicks } = schedule();
    expect(vi.getTimerCount()).toBe(0);
    kicks.start();
    kicks.stop();
    vi.advanceTimersByTime(1_000);
    expect(times).toEqual([0]);
  });
});
