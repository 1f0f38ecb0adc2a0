import { z } from "zod";

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION_PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** A duration as people write it: `100ms`, `2.5s`, `5m`, `4h`, `7d`. */
export const duration = z
  .string({
    // What people write first; zod's own words tell of every other kind.
    error: ({ input }) =>
      typeof input === "number" ? `must have a unit of ms, s, m, h or d: write ${input}s for seconds` : undefined,
  })
  .max(20)
  .regex(DURATION_PATTERN, "must be a number and a unit of ms, s, m, h or d, such as 500ms or 2s")
  .describe("Duration: a number and one unit of ms, s, m, h or d, such as 500ms or 2s.");

export type Duration = z.infer<typeof duration>;

/**
 * Milliseconds of a duration that the schema has accepted.
 * @throws {RangeError} when the text is not a duration.
 */
export function durationMs(text: Duration): number {
  const match = DURATION_PATTERN.exec(text);
  if (!match) throw new RangeError(`not a duration: ${text}`);
  const unit = match[2] as keyof typeof UNIT_MS;
  return Math.round(Number(match[1]) * UNIT_MS[unit]);
}

/** The shortest text with whole numbers for a number of milliseconds, for people. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${Math.round(ms / 100) / 10}s`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = Math.round((ms % 60_000) / 1_000);
  return seconds === 0 ? `${minutes}m` : `${minutes}m ${seconds}s`;
}
