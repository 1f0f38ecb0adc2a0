import type { FarmSignal } from "./waiting-room.ts";

/** What becomes of a job at an agent, told in passing. */
export type JobHint = Extract<FarmSignal, { type: "jobRunning" | "jobFinished" }>;

/** At the most so often hints are sent: whoever watches a job does not notice, and a busy farm sends many at once. */
const WINDOW_MS = 10;

/**
 * Gathers hints. The first one after a quiet time goes out with the turn of the event loop that it came in, later ones
 * together; one batch is under way at a time, so that a Redis that is away finds one waiting, not one for each hint.
 */
export function createHintBatch(send: (hints: readonly JobHint[]) => Promise<void>): (hint: JobHint) => void {
  let gathered: JobHint[] = [];
  let isUnderWay = false;

  async function flush(): Promise<void> {
    const hints = gathered;
    gathered = [];
    // Sending tells its own failures; the window begins when Redis has answered.
    await send(hints);
    setTimeout(() => {
      isUnderWay = false;
      if (gathered.length > 0) begin();
    }, WINDOW_MS).unref();
  }

  function begin(): void {
    isUnderWay = true;
    setImmediate(() => void flush());
  }

  return (hint) => {
    gathered.push(hint);
    if (!isUnderWay) begin();
  };
}
