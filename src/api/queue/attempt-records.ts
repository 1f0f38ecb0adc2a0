import type { Redis } from "ioredis";
import type { EarlierAttempt } from "../../core/policy/job-verdict.ts";
import { poolKey } from "./pool-keys.ts";
import { SIGNAL_CHANNEL } from "./redis-signals.ts";
import type { FarmSignal, JobPlace, JobPlaces } from "./waiting-room.ts";

/** What became of a job's earlier attempts. Written when a job is tried again, so that a restart counts on. */
export interface RetriedJob {
  /** Number of the current attempt. */
  readonly attempt: number;
  readonly earlier: readonly EarlierAttempt[];
}

/** Notes of the dispatcher about attempts. Losing them loses no verdict: a job is then tried once more at most. */
export interface AttemptRecords extends JobPlaces {
  /** Notes where a job runs, and tells everybody. */
  tellRunning(jobId: string, place: JobPlace): Promise<void>;
  setRetried(jobId: string, retried: RetriedJob): Promise<void>;
  readRetried(): Promise<Map<string, RetriedJob>>;
  /** Forgets a job that has its verdict, and tells everybody. */
  tellFinished(jobId: string, wasRetried: boolean): Promise<void>;
  /** Forgets where jobs run: the agents are about to be asked. */
  forgetPlaces(): Promise<void>;
}

export function createAttemptRecords({ redis, pool }: { redis: Redis; pool: string }): AttemptRecords {
  const placesKey = poolKey(pool, "places");
  const retriedKey = poolKey(pool, "retried");
  return {
    async findPlaces(jobIds) {
      const places = new Map<string, JobPlace>();
      if (jobIds.length === 0) return places;
      const texts = await redis.hmget(placesKey, ...jobIds);
      for (const [index, text] of texts.entries()) {
        const jobId = jobIds[index];
        if (text !== null && jobId !== undefined) places.set(jobId, JSON.parse(text) as JobPlace);
      }
      return places;
    },
    async tellRunning(jobId, place) {
      const told = messageOf({ type: "jobRunning", jobId, ...place });
      await redis.pipeline().hset(placesKey, jobId, JSON.stringify(place)).publish(SIGNAL_CHANNEL, told).exec();
    },
    async setRetried(jobId, retried) {
      await redis.hset(retriedKey, jobId, JSON.stringify(retried));
    },
    async readRetried() {
      const entries = Object.entries(await redis.hgetall(retriedKey));
      return new Map(entries.map(([jobId, text]) => [jobId, JSON.parse(text) as RetriedJob]));
    },
    async tellFinished(jobId, wasRetried) {
      const forgetting = redis.pipeline().hdel(placesKey, jobId);
      if (wasRetried) forgetting.hdel(retriedKey, jobId);
      await forgetting.publish(SIGNAL_CHANNEL, messageOf({ type: "jobFinished", jobId })).exec();
    },
    async forgetPlaces() {
      await redis.del(placesKey);
    },
  };
}

function messageOf(signal: FarmSignal): string {
  return JSON.stringify(signal);
}
