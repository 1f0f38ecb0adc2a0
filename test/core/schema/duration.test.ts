import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { duration, durationMs, formatDuration } from "../../../src/core/schema/duration.ts";

describe("duration", () => {
  it.each([
    ["100ms", 100],
    ["2.5s", 2_500],
    ["5m", 300_000],
    ["4h", 14_400_000],
    ["7d", 604_800_000],
  ])("reads %s as %d ms", (text, ms) => {
    expect(durationMs(duration.parse(text))).toBe(ms);
  });

  it.each(["", "5", "5 s", "-1s", "1h30m", "s"])("refuses %j, naming the units", (text) => {
    expect(duration.safeParse(text).error?.issues[0]?.message).toMatch(/a unit of ms, s, m, h or d/);
  });

  it("reads back what it writes, to the precision shown", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 59_999 }), (ms) => {
        const error = Math.abs(durationMs(formatDuration(ms)) - ms);
        expect(error).toBeLessThanOrEqual(50);
      }),
    );
  });
});
