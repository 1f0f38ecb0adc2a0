/** How often something may be written. */
export interface Pace {
  /** Shortest time between two writes that nobody waits for. */
  readonly gapMs: number;
  /** Writes that may follow each other after a long calm. */
  readonly burst: number;
  /** One more may be written each time that so much has passed. */
  readonly refillMs: number;
  /** Of these, so many are kept for what somebody waits for. */
  readonly kept: number;
}

/** Status of one object: once in two seconds, six times a minute; the last word is never late by more than a few refills. */
export const STATUS_PACE: Pace = { gapMs: 2_000, burst: 6, refillMs: 10_000, kept: 1 };

/** What may still be written, as of the last write; undefined where nothing has been written. */
export interface WriteBudget {
  readonly left: number;
  readonly writtenMs: number;
}

/**
 * How long the next write has to wait; 0: now.
 * @param isUrgent a write that somebody waits for need not keep the gap
 */
export function waitOf(
  budget: WriteBudget | undefined,
  nowMs: number,
  isUrgent: boolean,
  pace: Pace = STATUS_PACE,
): number {
  if (!budget) return 0;
  const missing = (isUrgent ? 1 : 1 + pace.kept) - leftOf(budget, nowMs, pace);
  const gapMs = isUrgent ? 0 : budget.writtenMs + pace.gapMs - nowMs;
  return Math.max(0, Math.ceil(missing * pace.refillMs), gapMs);
}

/** The budget after a write. */
export function afterWrite(budget: WriteBudget | undefined, nowMs: number, pace: Pace = STATUS_PACE): WriteBudget {
  return { left: Math.max(0, leftOf(budget, nowMs, pace) - 1), writtenMs: nowMs };
}

function leftOf(budget: WriteBudget | undefined, nowMs: number, { burst, refillMs }: Pace): number {
  if (!budget) return burst;
  return Math.min(burst, budget.left + (nowMs - budget.writtenMs) / refillMs);
}
