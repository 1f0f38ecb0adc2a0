import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { Log } from "../../log/log.ts";
import { partWith } from "./parting.ts";
import { poolPrefix } from "./pool-keys.ts";

/**
 * Attempts between the waiting room and an agent, on the pool's one BullMQ queue. It carries ids only. What BullMQ
 * says of them is no verdict: a stalled or repeated attempt is taken up where it is, a lost one comes back from the store.
 */
export interface RunningQueue extends AsyncDisposable {
  /** Adds attempts; those that are in the queue already stay as they are. */
  add(attemptIds: readonly string[]): Promise<void>;
  /** Ids of the attempts that an earlier dispatcher had begun to hand out. */
  readStarted(): Promise<string[]>;
  /** Empties the queue, whoever works on it. */
  clear(): Promise<void>;
  /**
   * Calls `process` for each attempt, at once and all side by side: how many there are is the admission's to decide.
   * `process` settles when the attempt has left its slot. It may be called again for an attempt that it has at hand.
   */
  start(process: (attemptId: string) => Promise<void>): void;
}

const NAME = "running";
/** More than any pool has slots: the bound is what is admitted. */
const CONCURRENCY = 100_000;
/** A stall (the dispatcher's event loop stood still for so long) only makes BullMQ ask for the attempt once more. */
const LOCK_MS = 30_000;
/** Seconds that a fetch waits inside Redis; adding a job wakes it at once. */
const BLOCKING_FETCH_S = 30;
const RETRY_AFTER_ERROR_MS = 200;

export function createRunningQueue({ redis, pool, log }: { redis: Redis; pool: string; log: Log }): RunningQueue {
  const settings = { connection: redis, prefix: poolPrefix(pool) };
  const queue = new Queue(NAME, {
    ...settings,
    skipMetasUpdate: true,
    streams: { events: { maxLen: 100 } },
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  // A job that an emptied Redis has forgotten cannot be completed there; its verdict does not depend on that.
  const onError = (error: Error) => log.debug({ error: error.message }, "the running queue had an error");
  queue.on("error", onError);
  let worker: Worker | undefined;

  return {
    async add(attemptIds) {
      if (attemptIds.length === 0) return;
      await queue.addBulk(attemptIds.map((jobId) => ({ name: "attempt", data: {}, opts: { jobId } })));
    },
    async readStarted() {
      const jobs = await queue.getJobs(["active"]);
      return jobs.flatMap((job) => (job?.id === undefined ? [] : [job.id]));
    },
    async clear() {
      await queue.obliterate({ force: true });
      await queue.resume();
    },
    start(process) {
      worker = new Worker(NAME, async (job) => await process(job.id ?? ""), {
        ...settings,
        concurrency: CONCURRENCY,
        lockDuration: LOCK_MS,
        stalledInterval: LOCK_MS,
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        drainDelay: BLOCKING_FETCH_S,
        runRetryDelay: RETRY_AFTER_ERROR_MS,
      });
      worker.on("error", onError);
    },
    async [Symbol.asyncDispose]() {
      // Forced: what is under way goes on at the agents, and the next dispatcher takes it up there.
      if (worker) await partWith(worker.close(true));
      await partWith(queue.close());
    },
  };
}
