import { FarmError } from "../../core/error/farm-error.ts";
import type { RetriedJob } from "../queue/attempt-records.ts";
import type { Store } from "../store/store.ts";
import { JobAtHand } from "./job-at-hand.ts";
import { RunEntry } from "./run-entry.ts";

/** Jobs of the runs that are kept in memory; the least recently used runs go first. */
const MOST_JOBS_KEPT = 250_000;

/** What the dispatcher knows: runs, as read from the store, and the jobs at hand. */
export class JobBook {
  readonly #store: Store;
  readonly #runs = new Map<string, Promise<RunEntry | undefined>>();
  readonly #atHand = new Map<string, JobAtHand>();
  readonly #retried: Map<string, RetriedJob>;
  /** Jobs of each run that has been read. */
  readonly #sizes = new Map<string, number>();
  #jobsKept = 0;

  constructor(store: Store, retried: ReadonlyMap<string, RetriedJob>) {
    this.#store = store;
    this.#retried = new Map(retried);
  }

  /** Undefined when the store does not have the run. @throws {FarmError} StoreUnavailable */
  async run(runId: string): Promise<RunEntry | undefined> {
    const known = this.#runs.get(runId);
    const entry = known ?? this.#read(runId);
    this.#runs.delete(runId);
    this.#runs.set(runId, entry);
    try {
      return await entry;
    } catch (error) {
      this.#runs.delete(runId);
      throw error;
    }
  }

  /** The run with what others, such as a cancellation by the API, have written since it was read. */
  async updatedRun(runId: string): Promise<RunEntry | undefined> {
    const isRead = this.#sizes.has(runId);
    const entry = await this.run(runId);
    if (!entry || !isRead) return entry;
    entry.update(await this.#store.listFinishedJobs(runId), await this.#store.readCancellation(runId));
    if (entry.isComplete) this.#forget(runId);
    return entry;
  }

  find(jobId: string): JobAtHand | undefined {
    return this.#atHand.get(jobId);
  }

  get jobsAtHand(): JobAtHand[] {
    return [...this.#atHand.values()];
  }

  countQueued(): number {
    let count = 0;
    for (const job of this.#atHand.values()) if (job.phase === "queued") count += 1;
    return count;
  }

  /** The job, at hand from now on. */
  take(jobId: string, run: RunEntry): JobAtHand {
    const known = this.#atHand.get(jobId);
    if (known) return known;
    const spec = run.specOf(jobId);
    if (!spec) throw new FarmError("NotFound", { kind: "job", name: jobId });
    const { attempt, earlier } = this.retriedOf(jobId);
    const job = new JobAtHand({ jobId, run, spec }, attempt, earlier);
    this.#atHand.set(jobId, job);
    return job;
  }

  retriedOf(jobId: string): RetriedJob {
    return this.#retried.get(jobId) ?? { attempt: 1, earlier: [] };
  }

  setRetried(jobId: string, retried: RetriedJob): void {
    this.#retried.set(jobId, retried);
  }

  get retried(): ReadonlyMap<string, RetriedJob> {
    return this.#retried;
  }

  /** The job has its verdict. */
  close(job: JobAtHand): void {
    job.run.finish(job.jobId);
    this.#atHand.delete(job.jobId);
    this.#retried.delete(job.jobId);
    if (job.run.isComplete) this.#forget(job.run.run.id);
  }

  async #read(runId: string): Promise<RunEntry | undefined> {
    const run = await this.#store.readRun(runId);
    if (!run) return undefined;
    const [finished, cancelled] = await Promise.all([
      this.#store.listFinishedJobs(runId),
      this.#store.readCancellation(runId),
    ]);
    this.#sizes.set(runId, run.jobCount);
    this.#jobsKept += run.jobCount;
    this.#makeRoom(runId);
    return new RunEntry(run, finished, cancelled);
  }

  #makeRoom(newest: string): void {
    if (this.#jobsKept <= MOST_JOBS_KEPT) return;
    const inUse = new Set([newest, ...this.jobsAtHand.map((job) => job.run.run.id)]);
    for (const runId of [...this.#runs.keys()]) {
      if (this.#jobsKept <= MOST_JOBS_KEPT) return;
      if (!inUse.has(runId)) this.#forget(runId);
    }
  }

  #forget(runId: string): void {
    this.#runs.delete(runId);
    this.#jobsKept -= this.#sizes.get(runId) ?? 0;
    this.#sizes.delete(runId);
  }
}
