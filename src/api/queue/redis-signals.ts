import type { Redis } from "ioredis";
import type { Log } from "../../log/log.ts";
import type { FarmSignal, FarmSignals } from "./waiting-room.ts";

export const SIGNAL_CHANNEL = "emufarm:signals";

/** Signals travel together where there are several: a message costs each listener a turn of its event loop. */
export function encodeSignals(signals: readonly FarmSignal[]): string {
  return JSON.stringify(signals);
}

function decodeSignals(text: string): FarmSignal[] {
  return JSON.parse(text) as FarmSignal[];
}

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
    subscriber.on("message", (_channel, text) => {
      for (const signal of decodeSignals(text)) tell(signal);
    });
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
      await redis.publish(SIGNAL_CHANNEL, encodeSignals([signal]));
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
