import type { Redis } from "ioredis";
import type { Log } from "../../log/log.ts";
import type { FarmSignal, FarmSignals } from "./waiting-room.ts";

export const SIGNAL_CHANNEL = "emufarm:signals";

export interface RedisSignals extends FarmSignals, Disposable {}

/** Signals by pub/sub. The connection for listening is opened by the first listener. */
export function createRedisSignals({ redis, log }: { redis: Redis; log: Log }): RedisSignals {
  const listeners = new Set<(signal: FarmSignal) => void>();
  let subscriber: Redis | undefined;
  let subscribed: Promise<unknown> | undefined;

  async function listen(): Promise<void> {
    subscriber = redis.duplicate();
    // The main connection tells of losses; this one only has to be quiet and come back.
    subscriber.on("error", () => {});
    subscriber.on("message", (_channel, text) => tell(JSON.parse(text) as FarmSignal));
    await subscriber.subscribe(SIGNAL_CHANNEL);
  }

  function tell(signal: FarmSignal): void {
    for (const listener of listeners) {
      try {
        listener(signal);
      } catch (error) {
        // One listener's failure must not keep the signal from the others.
        log.error({ err: error, signal }, "a listener of signals failed");
      }
    }
  }

  return {
    async publish(signal) {
      await redis.publish(SIGNAL_CHANNEL, JSON.stringify(signal));
    },
    async subscribe(listener) {
      listeners.add(listener);
      subscribed ??= listen();
      await subscribed;
      return async () => {
        listeners.delete(listener);
      };
    },
    [Symbol.dispose]() {
      listeners.clear();
      subscriber?.disconnect();
    },
  };
}
