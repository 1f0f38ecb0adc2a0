import type { FarmSignal } from "./waiting-room.ts";

/** What becomes of a job at an agent, told in passing. */
export type JobHint = Extract<FarmSignal, { type: "jobRunning" | "jobFinished" }>;

/** Batches go out at this pace where there is always something to tell: who watches a job does not notice. */
const PACE_MS = 10;
/** Batches that may go out at once after a quiet time, as the few hints of a job by itself do. */
const BURST = 4;

/**
 * Gathers hints: those of one turn of the event loop on a quiet farm, those of some milliseconds on a busy one. One
 * batch is under way at a time, so that a Redis that is away finds one waiting, not one for each hint.
 */
export function createHintBatch(send: (hints: readonly JobHint[]) => Promise<void>): (hint: JobHint) => void {
  let gathered: JobHint[] = [];
  let isUnderWay = false;
  /** When the next batch is due at the steady pace; a burst is ahead of it. */
  let dueMs = 0;

  async function flush(): Promise<void> {
    const hints = gathered;
    gathered = [];
    dueMs = Math.max(dueMs, performance.now() - BURST * PACE_MS) + PACE_MS;
    // Sending tells its own failures.
    await send(hints);
    isUnderWay = false;
    if (gathered.length > 0) begin();
  }

  function begin(): void {
    isUnderWay = true;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) setTimeout(() => void flush(), waitMs).unref();
    else setImmediate(() => void flush());
  }

  return (hint) => {
    gathered.push(hint);
    if (!isUnderWay) begin();
  };
}
