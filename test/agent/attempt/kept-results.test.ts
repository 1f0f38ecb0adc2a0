import { afterEach, expect, test, vi } from "vitest";
import { KeptResults } from "../../../src/agent/attempt/kept-results.ts";
import type { AttemptResult } from "../../../src/core/wire/attempt.ts";

const HOUR_MS = 3_600_000;
const dropped: string[] = [];

afterEach(() => {
  vi.useRealTimers();
  dropped.length = 0;
});

function results(): KeptResults {
  return new KeptResults(async (ids) => void dropped.push(...ids));
}

const kept = (id: string) => ({
  id,
  specDigest: "d",
  uarts: [],
  startedAt: "2026-01-01T00:00:00.000Z",
  result: { verdict: "passed" } as AttemptResult,
});

test("a result is kept for a day and no longer", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const all = results();
  all.add(kept("a.1"), 60_000);
  vi.advanceTimersByTime(24 * HOUR_MS - 1);
  expect(dropped).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(dropped).toEqual(["a.1"]);
  expect(all.get("a.1")).toBeUndefined();
});

test("a clock that is set forward or back by an hour changes nothing", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const all = results();
  all.add(kept("a.1"), 60_000);
  for (const step of [48 * HOUR_MS, -96 * HOUR_MS]) {
    vi.setSystemTime(Date.now() + step);
    all.add(kept(`after ${step}.1`), 60_000);
  }
  expect(all.ids).toHaveLength(3);
  expect(dropped).toEqual([]);
});

test("too many are cut down to those whose lease holds, the oldest first", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const all = results();
  all.add(kept("leased.1"), HOUR_MS);
  for (let index = 1; index < 1_000; index++) all.add(kept(`a.${index}`), 1_000);
  vi.advanceTimersByTime(2_000);
  expect(dropped).toEqual([]);
  all.add(kept("new.1"), 1_000);
  all.add(kept("new.2"), 1_000);
  expect(dropped).toEqual(["a.1", "a.2"]);
  expect(all.get("leased.1")).toBeDefined();
});

test("what is acknowledged is gone at once, and only once", () => {
  const all = results();
  all.add(kept("a.1"), 1_000);
  expect([all.delete("a.1"), all.delete("a.1")]).toEqual([true, false]);
  expect(dropped).toEqual([]);
});
