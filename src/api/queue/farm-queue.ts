import { type Redis, ReplyError } from "ioredis";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Log } from "../../log/log.ts";
import { type AttemptRecords, createAttemptRecords, createJobPlaces } from "./attempt-records.ts";
import { createDispatcherLease, type DispatcherLease, type LeaseEvents } from "./dispatcher-lease.ts";
import { connectRedis } from "./redis-connection.ts";
import { createRedisSignals } from "./redis-signals.ts";
import { createWaitingRoom } from "./redis-waiting-room.ts";
import { createRunningQueue, type RunningQueue } from "./running-queue.ts";
import type { FarmSignals, JobPlaces, WaitingRoom } from "./waiting-room.ts";

/** What a process of the farm has of Redis: one connection for commands, one for signals. */
export interface FarmQueue extends AsyncDisposable {
  readonly waitingRoom: WaitingRoom;
  readonly signals: FarmSignals;
  placesOf(pool: string): JobPlaces;
  /** Settles when Redis answers. @throws {FarmError} QueueUnavailable */
  check(): Promise<void>;
  /** What the dispatcher needs beyond that. */
  forDispatcher(pool: string): DispatcherQueue;
}

export interface DispatcherQueue {
  readonly waitingRoom: WaitingRoom;
  readonly signals: FarmSignals;
  readonly records: AttemptRecords;
  openRunningQueue(): RunningQueue;
  openLease(events: LeaseEvents, ttlMs?: number): DispatcherLease;
  /** Told when Redis is back after it was away. Returns how to stop. */
  onReconnected(listener: () => void): () => void;
}

export interface FarmQueueOptions {
  /** `unix:/path` or a URL such as `redis://host:6379`. */
  readonly address: string;
  /** For an address without one. */
  readonly password?: string | undefined;
  readonly log: Log;
  readonly tenantWeights?: Readonly<Record<string, number>>;
  readonly connectTimeoutMs?: number;
  /**
   * How long a caller waits while Redis is away, before it gets QueueUnavailable; what it wanted is done all the same
   * once Redis is back. The API sets it; without it callers wait, as the dispatcher does.
   */
  readonly patienceMs?: number;
}

/** @throws {FarmError} QueueUnavailable, QueueMisconfigured */
export async function openFarmQueue(options: FarmQueueOptions): Promise<FarmQueue> {
  const { log, tenantWeights = {} } = options;
  const redis = await connectRedis(options);
  const signals = createRedisSignals({ redis, log });
  const waitingRoom = createWaitingRoom({ redis, tenantWeights });
  const patient = patienceFor(options.patienceMs);

  return {
    waitingRoom: {
      submit: (...args) => patient(waitingRoom.submit(...args)),
      admit: (...args) => patient(waitingRoom.admit(...args)),
      cancel: (...args) => patient(waitingRoom.cancel(...args)),
      position: (...args) => patient(waitingRoom.position(...args)),
      size: (...args) => patient(waitingRoom.size(...args)),
    },
    signals: {
      publish: (signal) => patient(signals.publish(signal)),
      subscribe: (listener) => signals.subscribe(listener),
    },
    placesOf(pool) {
      const places = createJobPlaces({ redis, pool });
      return { findPlaces: (jobIds) => patient(places.findPlaces(jobIds)) };
    },
    async check() {
      await patient(redis.ping());
    },
    forDispatcher: (pool) => dispatcherQueue(redis, pool, { waitingRoom, signals, log }),
    async [Symbol.asyncDispose]() {
      signals[Symbol.dispose]();
      redis.disconnect();
    },
  };
}

function dispatcherQueue(
  redis: Redis,
  pool: string,
  shared: { waitingRoom: WaitingRoom; signals: FarmSignals; log: Log },
): DispatcherQueue {
  const { waitingRoom, signals, log } = shared;
  return {
    waitingRoom,
    signals,
    records: createAttemptRecords({ redis, pool, log }),
    openRunningQueue: () => createRunningQueue({ redis, pool, log }),
    openLease: (events, ttlMs) =>
      createDispatcherLease({ redis, pool, log, events, ...(ttlMs === undefined ? {} : { ttlMs }) }),
    onReconnected(listener) {
      redis.on("ready", listener);
      return () => redis.off("ready", listener);
    },
  };
}

/** A Redis that answers with an error, such as one whose disk is full, is of no more use than one that is away. */
async function orRefused<Value>(asked: Promise<Value>): Promise<Value> {
  try {
    return await asked;
  } catch (cause) {
    if (!(cause instanceof Error && cause instanceof ReplyError)) throw cause;
    throw new FarmError("QueueUnavailable", { detail: `it answers ${cause.message}` }, { cause });
  }
}

type Patient = <Value>(wanted: Promise<Value>) => Promise<Value>;

function patienceFor(patienceMs: number | undefined): Patient {
  return async (asked) => {
    const wanted = orRefused(asked);
    if (patienceMs === undefined) return await wanted;
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new FarmError("QueueUnavailable", { detail: `no answer within ${patienceMs} ms` })),
      patienceMs,
    );
    // A failure after the caller has given up is told by the connection itself.
    wanted.catch(() => {});
    try {
      return await Promise.race([wanted, promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}
