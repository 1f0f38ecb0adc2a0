/** How times are shown at the beginning of lines. */
export const TIMESTAMP_FORMATS = ["time", "iso", "elapsed", "delta"] as const;

export type TimestampFormat = (typeof TIMESTAMP_FORMATS)[number];

/**
 * Makes time stamps: the time of day, ISO 8601, seconds since the first line, or since the line before. It is the time
 * at which a line arrives here.
 */
export function createTimestamps(format: TimestampFormat, now: () => Date = () => new Date()): () => string {
  let first: number | undefined;
  let last: number | undefined;
  return () => {
    const time = now();
    const atMs = time.getTime();
    first ??= atMs;
    const sinceLastMs = atMs - (last ?? atMs);
    last = atMs;
    switch (format) {
      case "time":
        return timeOfDay(time);
      case "iso":
        return time.toISOString();
      case "elapsed":
        return seconds(atMs - first);
      case "delta":
        return seconds(sinceLastMs);
    }
  };
}

function timeOfDay(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const milliseconds = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${milliseconds}`;
}

function seconds(durationMs: number): string {
  return (durationMs / 1_000).toFixed(3).padStart(9);
}
