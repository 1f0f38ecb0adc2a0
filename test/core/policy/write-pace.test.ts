import { expect, test } from "vitest";
import { waitOf } from "../../../src/core/policy/write-pace.ts";

const NOW_MS = 1_000_000;

test.each<[string, number[], boolean, number]>([
  ["a first write waits for nothing", [], false, 0],
  ["the next one keeps the gap", [500], false, 1_500],
  ["one that somebody waits for does not", [500], true, 0],
  ["long after the last nothing is to wait for", [5_000], false, 0],
  ["the seventh of a minute waits for the minute's end", [50_000, 40_000, 30_000, 20_000, 10_000, 5_000], true, 10_000],
  ["steps on the way leave room for news", [50_000, 40_000, 30_000], false, 10_000],
  ["news takes that room", [50_000, 40_000, 30_000], true, 0],
  ["what is older than a minute does not count", [70_000, 40_000, 30_000, 20_000, 10_000, 5_000], true, 0],
])("%s", (_name, agesMs, isUrgent, waitMs) => {
  expect(
    waitOf(
      agesMs.map((age) => NOW_MS - age),
      NOW_MS,
      isUrgent,
    ),
  ).toBe(waitMs);
});
