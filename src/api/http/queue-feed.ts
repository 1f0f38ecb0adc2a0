import { setTimeout as sleep } from "node:timers/promises";
import type { QueueEvent } from "../../core/wire/queue-event.ts";
import type { FarmQueue } from "../queue/farm-queue.ts";
import { createBell } from "./bell.ts";

export interface QueueFeedOptions {
  readonly queue: Pick<FarmQueue, "waitingRoom" | "signals">;
  readonly pool: string;
  readonly signal: AbortSignal;
}

/** An empty line after this silence tells both ends that the other one is there; a signal that was lost is made good. */
const HEARTBEAT_MS = 15_000;
/** A run is submitted and dispatched in many steps. */
const CALM_MS = 250;

/** How many jobs wait, as lines of JSON: at once, and whenever it has changed. Ends where Redis does not answer. */
export async function* feedQueue({ queue, pool, signal }: QueueFeedOptions): AsyncGenerator<string> {
  const bell = createBell(signal);
  const unsubscribe = await queue.signals.subscribe(bell.ring);
  try {
    let told: number | undefined;
    let hasRung = false;
    while (!signal.aborted) {
      const waiting = await queue.waitingRoom.size(pool);
      const event: QueueEvent = { waiting };
      // What rang without a change is not worth a line, a heartbeat is.
      if (waiting !== told) yield `${JSON.stringify(event)}\n`;
      else if (!hasRung) yield "\n";
      told = waiting;
      // Interrupted by the end, which the loop sees.
      await sleep(CALM_MS, undefined, { signal }).catch(() => {});
      hasRung = await bell.wait(HEARTBEAT_MS);
    }
  } finally {
    bell.stop();
    await unsubscribe();
  }
}
