import { BackOff } from "../../client/back-off.ts";
import { followEvents } from "../../client/follow-events.ts";
import type { QueueClient } from "../../client/queue-client.ts";
import type { Log } from "../../log/log.ts";

/** How the farm's queue stands, as its API tells. */
export interface QueueWatch extends AsyncDisposable {
  /** Jobs that wait for a slot; undefined while nobody has said so: it is not known that none wait. */
  readonly waiting: number | undefined;
  /** Calls back when it has changed. */
  onChange(listener: () => void): void;
}

export interface QueueWatchDependencies {
  readonly client: QueueClient;
  readonly log: Log;
}

const RECONNECT = { firstMs: 200, longestMs: 5_000 };

export function openQueueWatch({ client, log }: QueueWatchDependencies): QueueWatch {
  const closing = new AbortController();
  let waiting: number | undefined;
  let changed = () => {};

  function tell(now: number | undefined): void {
    if (now === waiting) return;
    waiting = now;
    changed();
  }

  const done = followEvents({
    open: () => client.events(closing.signal),
    onEvent: (event) => tell(event.waiting),
    onBroken(error) {
      log.debug({ err: error }, "no word of the queue");
      tell(undefined);
    },
    signal: closing.signal,
    backOff: new BackOff(RECONNECT),
  });
  return {
    get waiting() {
      return waiting;
    },
    onChange(listener) {
      changed = listener;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await done;
      await client[Symbol.asyncDispose]();
    },
  };
}
