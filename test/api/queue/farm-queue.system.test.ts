import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DispatcherLease } from "../../../src/api/queue/dispatcher-lease.ts";
import { type FarmQueue, openFarmQueue } from "../../../src/api/queue/farm-queue.ts";
import { createLog } from "../../../src/log/log.ts";
import { PATIENCE } from "../../patience.ts";
import { type RedisFixture, startRedis } from "./redis-fixture.ts";

const log = createLog({ name: "test", level: "silent" });
const POOL = "default";
let redis: RedisFixture;
const open: AsyncDisposable[] = [];

beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

async function openQueue(patienceMs?: number): Promise<FarmQueue> {
  const queue = await openFarmQueue({ address: redis.address, log, ...(patienceMs !== undefined && { patienceMs }) });
  open.push(queue);
  return queue;
}

describe("the connection to Redis", () => {
  test("is refused where Redis may evict what it holds", async () => {
    await redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    await expect(openFarmQueue({ address: redis.address, log })).rejects.toMatchObject({
      code: "QueueMisconfigured",
      details: { policy: "allkeys-lru" },
    });
  });

  test("fails with a sentence where there is no Redis", async () => {
    const missing = openFarmQueue({ address: `${redis.address}-not`, log, connectTimeoutMs: 100 });
    await expect(missing).rejects.toMatchObject({ code: "QueueUnavailable" });
  });

  test("has a password where Redis wants one, and names the refusal of a wrong one", async () => {
    await redis.command("CONFIG", "SET", "requirepass", "it's me: 100%/@");
    const { address } = redis;
    const wrong = openFarmQueue({ address, password: "who?", log, connectTimeoutMs: 1_000 });
    await expect(wrong).rejects.toMatchObject({
      code: "QueueUnavailable",
      message: expect.stringMatching(/WRONGPASS/),
    });
    await using queue = await openFarmQueue({ address, password: "it's me: 100%/@", log });
    await using stack = new AsyncDisposableStack();
    stack.use(queue.forDispatcher(POOL).openRunningQueue());
    stack.defer(await queue.signals.subscribe(() => {}));
    expect(await queue.waitingRoom.size(POOL)).toBe(0);
  });

  test("tells what Redis refuses as Redis being of no use, not as a fault of the farm", async () => {
    const queue = await openQueue();
    // Without a replica it takes no more writes, as one does whose disk is full.
    await redis.command("CONFIG", "SET", "min-replicas-to-write", "1");
    const submitted = queue.waitingRoom.submit(POOL, [{ jobId: "r1-000000", tenant: "a", priority: 50 }]);
    await expect(submitted).rejects.toMatchObject({
      code: "QueueUnavailable",
      message: expect.stringContaining("NOREPLICAS"),
    });
    await redis.command("CONFIG", "SET", "min-replicas-to-write", "0");
    expect(await queue.waitingRoom.size(POOL)).toBe(0);
  });

  test("keeps nobody waiting who has a deadline, and does what was asked once Redis is back", async () => {
    const queue = await openQueue(100);
    await redis.kill();
    const submission = queue.waitingRoom.submit(POOL, [{ jobId: "1", tenant: "a", priority: 50 }]);
    await expect(submission).rejects.toMatchObject({ code: "QueueUnavailable" });
    await redis.start();
    await vi.waitFor(async () => expect(await queue.waitingRoom.size(POOL)).toBe(1), PATIENCE);
  });
});

describe("the dispatcher's lease", () => {
  /** @param ttlMs short where its end is waited for: a busy machine may miss the time to renew it */
  function openLease(
    queue: FarmQueue,
    events: { onLost?: () => void; onEmptied?: () => void } = {},
    ttlMs?: number,
  ): DispatcherLease {
    const lease = queue
      .forDispatcher(POOL)
      .openLease({ onLost: () => events.onLost?.(), onEmptied: () => events.onEmptied?.() }, ttlMs);
    open.push(lease);
    return lease;
  }

  test("is held by one at a time, and handed on when it is given up", async () => {
    const first = openLease(await openQueue());
    await first.acquire(AbortSignal.timeout(PATIENCE.timeout));
    const second = openLease(await openQueue());
    const acquired = second.acquire(AbortSignal.timeout(PATIENCE.timeout));
    expect([first.isHeld(), second.isHeld()]).toEqual([true, false]);
    await first[Symbol.asyncDispose]();
    await acquired;
    expect([first.isHeld(), second.isHeld()]).toEqual([false, true]);
  });

  test("passes on at once when the connection of its holder is gone", async () => {
    const queue = await openFarmQueue({ address: redis.address, log });
    const lease = queue.forDispatcher(POOL).openLease({ onLost() {}, onEmptied() {} }, 600_000);
    await lease.acquire(AbortSignal.timeout(PATIENCE.timeout));
    // As by kill -9: the connection closes, and nothing is given up in order.
    await queue[Symbol.asyncDispose]();
    await openLease(await openQueue()).acquire(AbortSignal.timeout(PATIENCE.timeout));
    await lease[Symbol.asyncDispose]();
  });

  test("is not held while Redis is away, and is again when it is back", async () => {
    const lease = openLease(await openQueue(), {}, 1_000);
    await lease.acquire(AbortSignal.timeout(PATIENCE.timeout));
    await redis.kill();
    await vi.waitFor(() => expect(lease.isHeld()).toBe(false), PATIENCE);
    await redis.start();
    await lease.whenHeld();
    expect(lease.isHeld()).toBe(true);
  });

  test("tells when another one has it", async () => {
    const { promise: lost, resolve: onLost } = Promise.withResolvers<void>();
    const lease = openLease(await openQueue(), { onLost });
    await lease.acquire(AbortSignal.timeout(PATIENCE.timeout));
    await redis.command("SET", `emufarm:{${POOL}}:dispatcher`, "somebody-else 7");
    await lost;
    expect(lease.isHeld()).toBe(false);
  });

  test("passes on from a holder that is frozen, even where the clock of Redis was set back by an hour", async () => {
    const frozen = await openQueue();
    await frozen.waitingRoom.size(POOL);
    const [client] = String(await redis.command("CLIENT", "LIST", "TYPE", "NORMAL")).split("\n");
    const lease = [`emufarm:{${POOL}}:dispatcher`, `frozen ${/^id=(\d+)/.exec(client ?? "")?.[1]} 7;`];
    await redis.command("SET", ...lease, "PX", "3600000");
    const next = openLease(await openQueue(), {}, 1_000);
    await next.acquire(AbortSignal.timeout(PATIENCE.timeout));
    expect(next.isHeld()).toBe(true);
  });

  test("stays with a holder that renews it, where the clock of Redis was set forward by an hour", async () => {
    const lease = openLease(await openQueue());
    await lease.acquire(AbortSignal.timeout(PATIENCE.timeout));
    await redis.command("DEL", `emufarm:{${POOL}}:dispatcher`);
    await vi.waitFor(
      async () => expect(await redis.command("GET", `emufarm:{${POOL}}:dispatcher`)).not.toBeNull(),
      PATIENCE,
    );
    expect(lease.isHeld()).toBe(true);
  });

  test("tells when Redis was emptied", async () => {
    const { promise: emptied, resolve: onEmptied } = Promise.withResolvers<void>();
    const lease = openLease(await openQueue(), { onEmptied });
    await lease.acquire(AbortSignal.timeout(PATIENCE.timeout));
    await lease.markFilled();
    await redis.command("FLUSHALL");
    await emptied;
  });
});

describe("the running queue", () => {
  test("hands each attempt on once, however often it is added", async () => {
    const running = (await openQueue()).forDispatcher(POOL).openRunningQueue();
    open.push(running);
    const processed: string[] = [];
    await running.add(["r1.1", "r2.1"]);
    await running.add(["r1.1"]);
    running.start(async (id) => {
      processed.push(id);
    });
    await running.add(["r3.1"]);
    await vi.waitFor(() => expect(processed).toEqual(["r1.1", "r2.1", "r3.1"]), PATIENCE);
  });

  test("hands an attempt on that Redis has forgotten between its adding and its fetching", async () => {
    const running = (await openQueue()).forDispatcher(POOL).openRunningQueue();
    open.push(running);
    const processed: string[] = [];
    running.start(async (id) => {
      processed.push(id);
    });
    const added = running.add(["r1.1", "r2.1"]);
    await redis.command("FLUSHALL");
    await added;
    await vi.waitFor(() => expect(processed.toSorted()).toEqual(["r1.1", "r2.1"]), PATIENCE);
  });

  test("tells what an earlier dispatcher had begun, and forgets it on request", async () => {
    const first = await openFarmQueue({ address: redis.address, log });
    const begun = first.forDispatcher(POOL).openRunningQueue();
    const { promise: isBegun, resolve } = Promise.withResolvers<void>();
    begun.start(async () => {
      resolve();
      await new Promise(() => {});
    });
    await begun.add(["r1.1"]);
    await isBegun;
    await begun[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    const running = (await openQueue()).forDispatcher(POOL).openRunningQueue();
    open.push(running);
    expect(await running.readStarted()).toEqual(["r1.1"]);
    await running.clear();
    expect(await running.readStarted()).toEqual([]);
  });
});

describe("what is told of jobs", () => {
  test("arrives in the order in which it was told, and leaves the places of the jobs that run", async () => {
    const queue = await openQueue();
    const heard: string[] = [];
    await queue.signals.subscribe((signal) => {
      if ("jobId" in signal) heard.push(`${signal.type} ${signal.jobId}`);
    });
    const { records } = queue.forDispatcher(POOL);
    records.tellRunning("r1", { attempt: 1, agent: "unix:/a" });
    await vi.waitFor(() => expect(heard).toEqual(["jobRunning r1"]), PATIENCE);
    records.tellRunning("r2", { attempt: 2, agent: "unix:/b" });
    records.tellRunning("r3", { attempt: 1, agent: "unix:/a" });
    records.tellFinished("r3");
    records.tellFinished("r1");
    const rest = ["jobRunning r2", "jobRunning r3", "jobFinished r3", "jobFinished r1"];
    await vi.waitFor(() => expect(heard).toEqual(["jobRunning r1", ...rest]), PATIENCE);
    const places = await queue.placesOf(POOL).findPlaces(["r1", "r2", "r3"]);
    expect([...places]).toEqual([["r2", { attempt: 2, agent: "unix:/b" }]]);
  });
});
