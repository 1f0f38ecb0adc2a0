import { Redis } from "ioredis";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Log } from "../../log/log.ts";

export interface RedisConnectionOptions {
  /** `unix:/path` or a URL such as `redis://host:6379`. */
  readonly address: string;
  /** For an address without one. */
  readonly password?: string | undefined;
  readonly log: Log;
  /** How long to wait for Redis at the start. */
  readonly connectTimeoutMs?: number;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 30_000;
const LONGEST_RECONNECT_DELAY_MS = 500;

/**
 * Connects to Redis, waiting for it to come up. Later losses heal by themselves: commands wait for the connection.
 * @throws {FarmError} QueueUnavailable, QueueMisconfigured
 */
export async function connectRedis(options: RedisConnectionOptions): Promise<Redis> {
  const redis = openRedis(options);
  try {
    await untilReady(redis, options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS);
    await refuseEviction(redis);
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

function openRedis({ address, password, log }: RedisConnectionOptions): Redis {
  const settings = {
    ...(password !== undefined && { password }),
    maxRetriesPerRequest: null,
    retryStrategy: (attempt: number) => Math.min(20 * attempt, LONGEST_RECONNECT_DELAY_MS),
  };
  const redis = address.startsWith("unix:")
    ? new Redis({ ...settings, path: address.slice("unix:".length) })
    : new Redis(address, settings);
  let isAway = false;
  redis.on("error", (error: Error) => {
    if (isAway) return;
    isAway = true;
    log.warn({ error: error.message }, "Redis cannot be reached; trying again until it is back");
  });
  redis.on("ready", () => {
    if (isAway) log.info("Redis is back");
    isAway = false;
  });
  return redis;
}

async function untilReady(redis: Redis, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let last: Error | undefined;
  const onError = (error: Error) => {
    last = error;
  };
  const timer = setTimeout(
    () => reject(new FarmError("QueueUnavailable", { detail: last?.message ?? "no answer" }, { cause: last })),
    timeoutMs,
  );
  const onReady = () => resolve();
  redis.once("ready", onReady);
  redis.on("error", onError);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    redis.off("ready", onReady);
    redis.off("error", onError);
  }
}

/** INFO, not CONFIG GET: managed Redis services forbid the latter. */
async function refuseEviction(redis: Redis): Promise<void> {
  const memory = await redis.info("memory");
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? "unknown";
  if (policy !== "noeviction") throw new FarmError("QueueMisconfigured", { policy });
}
