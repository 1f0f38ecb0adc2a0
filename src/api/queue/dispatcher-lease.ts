import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Log } from "../../log/log.ts";
import { partWith } from "./parting.ts";
import { poolKey } from "./pool-keys.ts";
import { defineScript } from "./redis-script.ts";

/** The right to hand out a pool's work: one dispatcher at a time has it. */
export interface DispatcherLease extends AsyncDisposable {
  /**
   * Waits for the lease, until `signal`. A holder whose connection to Redis is gone is succeeded at once, one that
   * does not renew it after `ttlMs` by the clock of who waits: that of Redis may be set back by an hour.
   */
  acquire(signal: AbortSignal): Promise<void>;
  /** True while the lease is held for sure. By this machine's monotonic clock, so that a frozen process knows too. */
  isHeld(): boolean;
  /** Settles while the lease is held, now or later. */
  whenHeld(): Promise<void>;
  /** Says that this dispatcher has brought Redis up to date with the store. */
  markFilled(): Promise<void>;
  /** Asks Redis now whether the lease stands, instead of with the next renewal. */
  check(): void;
}

export interface LeaseEvents {
  /** Another dispatcher has the lease. */
  onLost(): void;
  /** Redis has forgotten what this dispatcher had put in. */
  onEmptied(): void;
}

/**
 * KEYS: lease, marker. ARGV: owner, value of the lease, ttl in ms, value of the marker.
 * The lease's value is the owner, the id of its connection, and a number that each renewal raises.
 */
const RENEW = `
local holder = redis.call('GET', KEYS[1])
if holder and string.sub(holder, 1, #ARGV[1]) ~= ARGV[1] then return 'lost' end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if ARGV[4] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[4] then return 'emptied' end
return 'held'
`;

/** KEYS: lease. ARGV: the value that was seen, or its owner. Deletes the lease, unless it has changed hands since. */
const RELEASE = `
local holder = redis.call('GET', KEYS[1])
if holder and string.sub(holder, 1, #ARGV[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

export interface LeaseDependencies {
  readonly redis: Redis;
  readonly pool: string;
  readonly events: LeaseEvents;
  readonly log: Log;
  readonly ttlMs?: number;
}

const DEFAULT_TTL_MS = 10_000;

export function createDispatcherLease(dependencies: LeaseDependencies): DispatcherLease {
  const { redis, pool, events, log, ttlMs = DEFAULT_TTL_MS } = dependencies;
  const owner = randomUUID();
  const keys = [poolKey(pool, "dispatcher"), poolKey(pool, "filled")];
  const [leaseKey = "", markerKey = ""] = keys;
  const renewScript = defineScript(redis, "farmRenewLease", RENEW);
  const releaseScript = defineScript(redis, "farmReleaseLease", RELEASE);
  let heldUntilMs = 0;
  let clientId = 0;
  let renewals = 0;
  let seen: { readonly holder: string; readonly sinceMs: number } | undefined;
  let marker = "";
  let timer: NodeJS.Timeout | undefined;
  let isRenewing = false;
  let isOver = false;
  let held = Promise.withResolvers<void>();

  function holdUntil(untilMs: number): void {
    heldUntilMs = untilMs;
    held.resolve();
    held = Promise.withResolvers();
  }

  function nextValue(): string {
    renewals += 1;
    // With an end of its own, so that none is the beginning of another.
    return `${owner} ${clientId} ${renewals};`;
  }

  async function readClientId(): Promise<void> {
    clientId = await redis.client("ID");
  }

  async function renew(): Promise<void> {
    if (isRenewing || isOver) return;
    isRenewing = true;
    const sentAtMs = performance.now();
    try {
      const answer = await renewScript(keys, [owner, nextValue(), ttlMs, marker]);
      if (isOver) return;
      if (answer === "lost") return lose();
      holdUntil(sentAtMs + ttlMs);
      if (answer === "emptied") events.onEmptied();
    } catch (error) {
      // The connection is closing or Redis loads its data: the lease runs out by itself unless a later renewal succeeds.
      log.debug({ err: error }, "the dispatcher's lease could not be renewed");
    } finally {
      isRenewing = false;
    }
  }

  function lose(): void {
    heldUntilMs = 0;
    stop();
    events.onLost();
  }

  function stop(): void {
    isOver = true;
    clearInterval(timer);
    redis.off("ready", onReconnected);
  }

  /** The connection has another id now; who stands by must not take the holder for gone. */
  function onReconnected(): void {
    void readClientId().then(renew, (error: unknown) => log.debug({ err: error }, "Redis went away again"));
  }

  async function tryToAcquire(): Promise<boolean> {
    await readClientId();
    const sentAtMs = performance.now();
    const isMine = await redis.set(leaseKey, nextValue(), "PX", ttlMs, "NX");
    if (isMine) {
      holdUntil(sentAtMs + ttlMs);
      return true;
    }
    const holder = await redis.get(leaseKey);
    if (holder === null) return false;
    if (seen?.holder !== holder) seen = { holder, sinceMs: sentAtMs };
    const holderClient = Number(holder.split(" ")[1]);
    const connections = Number.isSafeInteger(holderClient) ? await redis.client("LIST", "ID", holderClient) : "";
    const isGone = String(connections).trim() === "";
    if (isGone || sentAtMs - seen.sinceMs > ttlMs) await releaseScript([leaseKey], [holder]);
    return false;
  }

  return {
    async acquire(signal) {
      const standbyMs = ttlMs / 10;
      // The second try follows at once: the first one has cleared away the lease of a holder that is gone.
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      try {
        for (let tries = 1; !(await Promise.race([tryToAcquire(), aborted])); tries++) {
          if (tries > 1) await sleep(standbyMs, undefined, { signal });
          signal.throwIfAborted();
        }
      } finally {
        signal.removeEventListener("abort", abort);
      }
      timer = setInterval(() => void renew(), ttlMs / 5);
      redis.on("ready", onReconnected);
    },
    isHeld: () => performance.now() < heldUntilMs,
    async whenHeld() {
      // A renewal that was long on its way may be answered when its time is over.
      while (performance.now() >= heldUntilMs) await held.promise;
    },
    async markFilled() {
      await redis.set(markerKey, owner);
      marker = owner;
    },
    check: () => void renew(),
    async [Symbol.asyncDispose]() {
      const wasHeld = performance.now() < heldUntilMs;
      heldUntilMs = 0;
      stop();
      if (wasHeld && redis.status === "ready") {
        await partWith(releaseScript([leaseKey], [owner]));
      }
    },
  };
}
