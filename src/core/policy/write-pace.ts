/** How often something may be written. */
export interface Pace {
  /** Shortest time between two writes. */
  readonly gapMs: number;
  /** Most writes in any window. */
  readonly most: number;
  readonly windowMs: number;
}

/** Status of one object: once in two seconds, six times a minute. */
export const STATUS_PACE: Pace = { gapMs: 2_000, most: 6, windowMs: 60_000 };

/**
 * How long the next write has to wait; 0: now.
 * @param written moments of the writes so far, oldest first
 * @param isUrgent a write that somebody waits for need not keep the gap
 */
export function waitOf(written: readonly number[], nowMs: number, isUrgent: boolean, pace: Pace = STATUS_PACE): number {
  const recent = written.filter((moment) => nowMs - moment < pace.windowMs);
  const last = recent.at(-1);
  const gap = last === undefined || isUrgent ? 0 : last + pace.gapMs - nowMs;
  // Half of them are kept for what somebody waits for.
  const first = recent.at(isUrgent ? -pace.most : -Math.floor(pace.most / 2));
  const window = first === undefined ? 0 : first + pace.windowMs - nowMs;
  return Math.max(0, gap, window);
}
