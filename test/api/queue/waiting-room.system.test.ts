import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createWaitingRoom } from "../../../src/api/queue/redis-waiting-room.ts";
import type { WaitingRoom } from "../../../src/api/queue/waiting-room.ts";
import { STRIDE } from "../../../src/api/queue/waiting-room-scripts.ts";
import { createFairOrder } from "../../../src/core/policy/fair-order.ts";
import { type RedisFixture, startRedis } from "./redis-fixture.ts";

const WEIGHTS = { b: 2, c: 5 };
const POOL = "default";
let server: RedisFixture;
let redis: Redis;
let room: WaitingRoom;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.address.slice("unix:".length));
  room = createWaitingRoom({ redis, tenantWeights: WEIGHTS });
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await redis.flushall();
});

const job = (jobId: string, tenant = "a", priority = 50) => ({ jobId, tenant, priority });
const countByTenant = (jobIds: string[]) => {
  const counts: Record<string, number> = {};
  for (const id of jobIds) counts[id.split("/")[0] ?? ""] = (counts[id.split("/")[0] ?? ""] ?? 0) + 1;
  return counts;
};

describe("the waiting room", () => {
  test("lets a tenant's jobs out by priority, then in the order of submission", async () => {
    await room.submit(POOL, [job("1"), job("2"), job("urgent", "a", 0), job("late", "a", 100), job("3")]);
    expect(await room.admit(POOL, 10)).toEqual(["urgent", "1", "2", "3", "late"]);
  });

  test("keeps a job that is submitted again where it is", async () => {
    await room.submit(POOL, [job("1"), job("2")]);
    await room.submit(POOL, [job("2"), job("1"), job("3")]);
    expect(await room.size(POOL)).toBe(3);
    expect(await room.admit(POOL, 10)).toEqual(["1", "2", "3"]);
  });

  test("gives each of 1,000 tenants its turn before any has a second one", async () => {
    const tenants = Array.from({ length: 1_000 }, (_, index) => `t${index}`);
    await room.submit(
      POOL,
      tenants.flatMap((tenant) => [0, 1, 2].map((index) => job(`${tenant}/${index}`, tenant))),
    );
    const first = await room.admit(POOL, 1_000);
    expect(new Set(first.map((id) => id.split("/")[0])).size).toBe(1_000);
    expect(first.every((id) => id.endsWith("/0"))).toBe(true);
  });

  test("shares turns by weight", async () => {
    await room.submit(
      POOL,
      ["a", "b", "c"].flatMap((tenant) => Array.from({ length: 100 }, (_, index) => job(`${tenant}/${index}`, tenant))),
    );
    const counts = countByTenant(await room.admit(POOL, 80));
    for (const [tenant, share] of [
      ["a", 10],
      ["b", 20],
      ["c", 50],
    ] as const) {
      expect(Math.abs((counts[tenant] ?? 0) - share)).toBeLessThanOrEqual(1);
    }
  });

  test("gives nothing extra to a tenant that comes and goes", async () => {
    await room.submit(
      POOL,
      Array.from({ length: 100 }, (_, index) => job(`c/${index}`, "c")),
    );
    const order: string[] = [];
    for (let index = 0; index < 60; index++) {
      if ((await room.position(POOL, { jobId: `a/${index}`, tenant: "a" })) === undefined) {
        await room.submit(POOL, [job(`a/${index}`, "a")]);
      }
      order.push(...(await room.admit(POOL, 1)));
    }
    expect(countByTenant(order).a).toBeLessThanOrEqual(11);
  });

  test("tells the place of a job among its tenant's", async () => {
    await room.submit(POOL, [job("1"), job("2"), job("other", "b")]);
    expect(await room.position(POOL, { jobId: "2", tenant: "a" })).toBe(1);
    expect(await room.position(POOL, { jobId: "other", tenant: "b" })).toBe(0);
    expect(await room.position(POOL, { jobId: "gone", tenant: "a" })).toBeUndefined();
  });

  test("takes out a run of 10,000 jobs, and says which of them waited", async () => {
    const jobs = Array.from({ length: 10_000 }, (_, index) => job(`r-${index}`, `t${index % 7}`));
    await room.submit(POOL, jobs);
    const admitted = await room.admit(POOL, 10);
    const removed = await room.cancel(POOL, jobs);
    expect(removed).toHaveLength(9_990);
    expect(removed).not.toContain(admitted[0]);
    expect(await room.size(POOL)).toBe(0);
  });

  test("leaves no key when nothing waits", async () => {
    await room.submit(POOL, [job("1"), job("2", "b"), job("3", "c")]);
    await room.admit(POOL, 2);
    await room.cancel(POOL, [job("3", "c"), job("1"), job("2", "b")]);
    expect(await redis.keys("*")).toEqual([]);
  });

  test("keeps all keys of a pool under one hash tag, and pools apart", async () => {
    await room.submit(POOL, [job("1")]);
    await room.submit("other", [job("2", "b")]);
    expect((await redis.keys("*")).every((key) => /^emufarm:\{(default|other)\}/.test(key))).toBe(true);
    expect(await room.admit(POOL, 5)).toEqual(["1"]);
  });

  test("orders as the model does, whatever comes and goes", async () => {
    const tenant = fc.constantFrom("a", "b", "c", "d");
    const command = fc.oneof(
      fc.record({
        type: fc.constant("submit" as const),
        tenant,
        priority: fc.integer({ min: 0, max: 100 }),
        id: fc.nat(40),
      }),
      fc.record({ type: fc.constant("admit" as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ type: fc.constant("cancel" as const), tenant, id: fc.nat(40) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
        await redis.flushall();
        const model = createFairOrder(STRIDE, WEIGHTS);
        for (const one of commands) {
          if (one.type === "submit") {
            const submitted = { jobId: `${one.tenant}/${one.id}`, tenant: one.tenant, priority: one.priority };
            model.submit(submitted);
            await room.submit(POOL, [submitted]);
          } else if (one.type === "admit") {
            expect(await room.admit(POOL, one.count)).toEqual(model.admit(one.count));
          } else {
            const cancelled = { jobId: `${one.tenant}/${one.id}`, tenant: one.tenant };
            expect((await room.cancel(POOL, [cancelled])).length === 1).toBe(model.cancel(one.tenant, cancelled.jobId));
          }
          expect(await room.size(POOL)).toBe(model.size);
        }
        expect(await room.admit(POOL, 100)).toEqual(model.admit(100));
      }),
      { numRuns: 60 },
    );
  });
});
