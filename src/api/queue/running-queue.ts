import { type Job, Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { Log } from "../../log/log.ts";
import { partWith } from "./parting.ts";
import { poolPrefix } from "./pool-keys.ts";

/**
 * Attempts between the waiting room and an agent, on the pool's one BullMQ queue. It carries ids only. What BullMQ
 * says of them is no verdict: a repeated attempt is taken up where it is, a lost one comes back from the store.
 */
export interface RunningQueue extends AsyncDisposable {
  /** Adds attempts; those that are in the queue already stay as they are. Settles when they are with `process`. */
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
/** An attempt is begun once in a term: the next one clears the queue. So nobody watches for stalls, or renews locks. */
const LOCK_MS = 365 * 24 * 60 * 60 * 1_000;
const TOKEN = "dispatcher";

export function createRunningQueue({ redis, pool, log }: { redis: Redis; pool: string; log: Log }): RunningQueue {
  const settings = { connection: redis, prefix: poolPrefix(pool) };
  const queue = new Queue(NAME, {
    ...settings,
    skipMetasUpdate: true,
    streams: { events: { maxLen: 100 } },
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  const onError = (error: Error) => log.debug({ error: error.message }, "the running queue had an error");
  queue.on("error", onError);
  let worker: Worker | undefined;
  let process: (attemptId: string) => Promise<void> = async () => {};
  /** Added, and not fetched yet. */
  const expected = new Set<string>();
  let fetchesUnderWay = 0;

  /**
   * The dispatcher is the only one who adds, so it fetches by itself: a worker that waits in Redis for what this
   * process has just put there costs a job three commands more. Never more than were added.
   */
  async function fetch(wanted: number | Promise<number>): Promise<void> {
    fetchesUnderWay += 1;
    try {
      await Promise.all(Array.from({ length: await wanted }, fetchOne));
    } finally {
      fetchesUnderWay -= 1;
    }
    // Redis was emptied meanwhile, or its answer was lost with the connection and it was asked twice.
    if (fetchesUnderWay === 0) for (const attemptId of [...expected]) begin(attemptId, undefined);
  }

  async function fetchOne(): Promise<void> {
    const job = await worker?.getNextJob(TOKEN, { block: false });
    if (job) begin(job.id ?? "", job);
  }

  function begin(attemptId: string, job: Job | undefined): void {
    expected.delete(attemptId);
    // A job that an emptied Redis has forgotten cannot be completed there; its verdict does not depend on that.
    process(attemptId)
      .then(() => job?.moveToCompleted(undefined, TOKEN, false))
      .catch(onError);
  }

  return {
    async add(attemptIds) {
      // One by one: for a few, that is cheaper than BullMQ's own way of adding many.
      const added = Promise.all(attemptIds.map((jobId) => queue.add("attempt", {}, { jobId })));
      if (!worker) return void (await added);
      for (const attemptId of attemptIds) expected.add(attemptId);
      // Goes out right behind, on the same connection, and so finds them there.
      await Promise.all([added, fetch(attemptIds.length)]);
    },
    async readStarted() {
      const jobs = await queue.getJobs(["active"]);
      return jobs.flatMap((job) => (job?.id === undefined ? [] : [job.id]));
    },
    async clear() {
      await queue.obliterate({ force: true });
      await queue.resume();
    },
    start(given) {
      process = given;
      worker = new Worker(NAME, null, { ...settings, lockDuration: LOCK_MS, skipStalledCheck: true });
      worker.on("error", onError);
      fetch(queue.getWaitingCount()).catch(onError);
    },
    async [Symbol.asyncDispose]() {
      // Forced: what is under way goes on at the agents, and the next dispatcher takes it up there.
      if (worker) await partWith(worker.close(true));
      await partWith(queue.close());
    },
  };
}
