import type { Redis } from "ioredis";
import type { EarlierAttempt } from "../../core/policy/job-verdict.ts";
import type { Log } from "../../log/log.ts";
import { createHintBatch, type JobHint } from "./hint-batch.ts";
import { poolKey } from "./pool-keys.ts";
import { defineScript } from "./redis-script.ts";
import { encodeSignals, SIGNAL_CHANNEL } from "./redis-signals.ts";
import type { JobPlace, JobPlaces } from "./waiting-room.ts";

/** What became of a job's earlier attempts. Written when a job is tried again, so that a restart counts on. */
export interface RetriedJob {
  /** Number of the current attempt. */
  readonly attempt: number;
  readonly earlier: readonly EarlierAttempt[];
}

/** Notes of the dispatcher about attempts. Losing them loses no verdict: a job is then tried once more at most. */
export interface AttemptRecords extends JobPlaces {
  /** Notes where a job runs, and tells everybody, within some milliseconds. */
  tellRunning(jobId: string, place: JobPlace): void;
  /** Forgets a job that has its verdict, and tells everybody, within some milliseconds. */
  tellFinished(jobId: string): void;
  setRetried(jobId: string, retried: RetriedJob): Promise<void>;
  forgetRetried(jobId: string): Promise<void>;
  readRetried(): Promise<Map<string, RetriedJob>>;
  /** Forgets where jobs run: the agents are about to be asked. */
  forgetPlaces(): Promise<void>;
}

/**
 * KEYS: places. ARGV: channel, message, number of arguments that are jobs and their places; then these, then jobs to
 * forget. One command for all that there is to tell.
 */
const TELL = `
local last = 3 + tonumber(ARGV[3])
if last > 3 then redis.call('HSET', KEYS[1], unpack(ARGV, 4, last)) end
if #ARGV > last then redis.call('HDEL', KEYS[1], unpack(ARGV, last + 1)) end
return redis.call('PUBLISH', ARGV[1], ARGV[2])
`;

/** Hints in one call of the script: Lua's stack holds some thousand values. */
const SLICE = 1_000;

/** Where jobs run, for those who only read it. */
export function createJobPlaces({ redis, pool }: { redis: Redis; pool: string }): JobPlaces {
  return {
    async findPlaces(jobIds) {
      const places = new Map<string, JobPlace>();
      if (jobIds.length === 0) return places;
      const texts = await redis.hmget(placesKeyOf(pool), ...jobIds);
      for (const [index, text] of texts.entries()) {
        const jobId = jobIds[index];
        if (text !== null && jobId !== undefined) places.set(jobId, JSON.parse(text) as JobPlace);
      }
      return places;
    },
  };
}

export function createAttemptRecords({ redis, pool, log }: { redis: Redis; pool: string; log: Log }): AttemptRecords {
  const placesKey = placesKeyOf(pool);
  const retriedKey = poolKey(pool, "retried");
  const tell = defineScript(redis, "farmTell", TELL);

  const hint = createHintBatch(async (hints) => {
    try {
      for (let start = 0; start < hints.length; start += SLICE) await send(hints.slice(start, start + SLICE));
    } catch (error) {
      log.debug({ err: error }, "hints were lost");
    }
  });

  async function send(hints: readonly JobHint[]): Promise<void> {
    const places = new Map<string, string>();
    const gone = new Set<string>();
    for (const { type, jobId, ...place } of hints) {
      if (type === "jobRunning") places.set(jobId, JSON.stringify(place));
      else gone.add(jobId);
    }
    for (const jobId of gone) places.delete(jobId);
    const noted = [...places].flat();
    await tell([placesKey], [SIGNAL_CHANNEL, encodeSignals(hints), noted.length, ...noted, ...gone]);
  }

  return {
    ...createJobPlaces({ redis, pool }),
    tellRunning: (jobId, place) => hint({ type: "jobRunning", jobId, ...place }),
    tellFinished: (jobId) => hint({ type: "jobFinished", jobId }),
    async setRetried(jobId, retried) {
      await redis.hset(retriedKey, jobId, JSON.stringify(retried));
    },
    async forgetRetried(jobId) {
      await redis.hdel(retriedKey, jobId);
    },
    async readRetried() {
      const entries = Object.entries(await redis.hgetall(retriedKey));
      return new Map(entries.map(([jobId, text]) => [jobId, JSON.parse(text) as RetriedJob]));
    },
    async forgetPlaces() {
      await redis.del(placesKey);
    },
  };
}

function placesKeyOf(pool: string): string {
  return poolKey(pool, "places");
}
