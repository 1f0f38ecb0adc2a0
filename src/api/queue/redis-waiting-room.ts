import type { Redis } from "ioredis";
import { poolKey } from "./pool-keys.ts";
import { defineScript } from "./redis-script.ts";
import { encodeSignals, SIGNAL_CHANNEL } from "./redis-signals.ts";
import type { WaitingRoom } from "./waiting-room.ts";
import { ADMIT, CANCEL, SUBMIT } from "./waiting-room-scripts.ts";

/** Jobs in one call of a script: Redis serves nobody else meanwhile (about 2 ms for so many). */
const SLICE = 1_000;

export interface WaitingRoomDependencies {
  readonly redis: Redis;
  /** Share of each tenant in turns; a tenant that is not named has 1. */
  readonly tenantWeights?: Readonly<Record<string, number>>;
}

/** The waiting room in Redis: {@link ADMIT} says how turns are taken. */
export function createWaitingRoom({ redis, tenantWeights = {} }: WaitingRoomDependencies): WaitingRoom {
  const submit = defineScript(redis, "farmSubmit", SUBMIT);
  const admit = defineScript(redis, "farmAdmit", ADMIT);
  const cancel = defineScript(redis, "farmCancel", CANCEL);
  const weights = Object.entries(tenantWeights).flat();

  return {
    async submit(pool, jobs) {
      const message = encodeSignals([{ type: "submitted", pool }]);
      for (const slice of slicesOf(jobs)) {
        const values = slice.flatMap((job) => [job.tenant, job.priority, job.jobId]);
        await submit(keysOf(pool), [tenantPrefix(pool), SIGNAL_CHANNEL, message, ...values]);
      }
    },
    async admit(pool, count) {
      if (count <= 0) return [];
      return (await admit(keysOf(pool), [tenantPrefix(pool), count, ...weights])) as string[];
    },
    async cancel(pool, jobs) {
      const removed: string[] = [];
      for (const slice of slicesOf(jobs)) {
        const values = slice.flatMap((job) => [job.tenant, job.jobId]);
        for (const jobId of (await cancel(keysOf(pool), [tenantPrefix(pool), ...values])) as string[]) {
          removed.push(jobId);
        }
      }
      return removed;
    },
    async position(pool, job) {
      return (await redis.zrank(tenantPrefix(pool) + job.tenant, job.jobId)) ?? undefined;
    },
    async size(pool) {
      return Number((await redis.hget(poolKey(pool, "waiting"), "size")) ?? 0);
    },
  };
}

function keysOf(pool: string): string[] {
  return [poolKey(pool, "waiting"), poolKey(pool, "waiting:ring"), poolKey(pool, "waiting:left")];
}

function tenantPrefix(pool: string): string {
  return poolKey(pool, "waiting:tenant:");
}

function* slicesOf<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += SLICE) yield items.slice(start, start + SLICE);
}
