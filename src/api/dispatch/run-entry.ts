import { jobIdOf, parseJobId } from "../../core/policy/attempt-id.ts";
import type { JobSpec } from "../../core/schema/job.ts";
import type { Cancellation, StoredRun } from "../store/store.ts";

/** A run that has jobs without a verdict, with what has become of them. */
export class RunEntry {
  readonly run: StoredRun;
  readonly #finished: Set<string>;
  #cancelled: Cancellation;

  constructor(run: StoredRun, finished: ReadonlySet<string>, cancelled: Cancellation) {
    this.run = run;
    this.#finished = new Set(finished);
    this.#cancelled = cancelled;
  }

  get isComplete(): boolean {
    return this.#finished.size >= this.run.jobCount;
  }

  isFinished(jobId: string): boolean {
    return this.#finished.has(jobId);
  }

  isCancelled(jobId: string): boolean {
    return this.reasonToCancel(jobId) !== undefined;
  }

  /** Why nobody wants the job any more; undefined where it is still wanted. */
  reasonToCancel(jobId: string): string | undefined {
    return this.#cancelled.jobs.get(jobId) ?? this.#cancelled.run;
  }

  finish(jobId: string): void {
    this.#finished.add(jobId);
  }

  /** What others have written since. */
  update(finished: ReadonlySet<string>, cancelled: Cancellation): void {
    for (const jobId of finished) this.#finished.add(jobId);
    this.#cancelled = cancelled;
  }

  specOf(jobId: string): JobSpec | undefined {
    return this.run.spec.jobs[parseJobId(jobId).index];
  }

  /** Jobs without a verdict. */
  *unfinishedJobs(): Generator<string> {
    for (let index = 0; index < this.run.jobCount; index++) {
      const jobId = jobIdOf(this.run.id, index);
      if (!this.isFinished(jobId)) yield jobId;
    }
  }
}
