import { setTimeout as sleep } from "node:timers/promises";

/** A Redis that is away answers no farewell. */
const LONGEST_PARTING_MS = 1_000;

/** Settles with `farewell`, or when it has taken too long: what Redis is not told runs out there by itself. */
export async function partWith(farewell: Promise<unknown>): Promise<void> {
  const waiting = new AbortController();
  const { signal } = waiting;
  const tooLong = sleep(LONGEST_PARTING_MS, undefined, { signal }).catch(() => {});
  // Nobody is left to act on a failure: the connection is closing.
  await Promise.race([farewell.catch(() => {}), tooLong]);
  waiting.abort();
}
