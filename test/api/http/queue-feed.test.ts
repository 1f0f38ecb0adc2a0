import { expect, test } from "vitest";
import { feedQueue } from "../../../src/api/http/queue-feed.ts";
import type { FarmQueue } from "../../../src/api/queue/farm-queue.ts";
import type { FarmSignal } from "../../../src/api/queue/waiting-room.ts";

/** A queue of so many waiting jobs, which tells when that changes. */
function queueOf() {
  let waiting = 0;
  const listeners = new Set<(signal: FarmSignal) => void>();
  const queue = {
    waitingRoom: { size: async () => waiting },
    signals: {
      async subscribe(listener: (signal: FarmSignal) => void) {
        listeners.add(listener);
        return async () => void listeners.delete(listener);
      },
    },
  } as unknown as Pick<FarmQueue, "waitingRoom" | "signals">;
  return {
    queue,
    listeners,
    set(count: number) {
      waiting = count;
      for (const listener of listeners) listener({ type: "submitted", pool: "default" });
    },
  };
}

test("tells how many jobs wait at once, and when that has changed, several changes together", async () => {
  const { queue, set, listeners } = queueOf();
  const closing = new AbortController();
  const feed = feedQueue({ queue, pool: "default", signal: closing.signal });
  expect((await feed.next()).value).toBe('{"waiting":0}\n');
  const next = feed.next();
  for (const count of [1, 2, 3]) set(count);
  expect((await next).value).toBe('{"waiting":3}\n');
  // What has rung without a change is not told.
  const after = feed.next();
  set(3);
  set(0);
  expect((await after).value).toBe('{"waiting":0}\n');
  const last = feed.next();
  closing.abort();
  expect((await last).done).toBe(true);
  expect(listeners.size).toBe(0);
});

test("ends, and lets go of the signals, where the queue does not answer", async () => {
  const { queue, listeners } = queueOf();
  const broken = { ...queue, waitingRoom: { ...queue.waitingRoom, size: () => Promise.reject(new Error("away")) } };
  const feed = feedQueue({ queue: broken, pool: "default", signal: new AbortController().signal });
  await expect(feed.next()).rejects.toThrow("away");
  expect(listeners.size).toBe(0);
});
