import { jobIdOf, parseJobId } from "../../core/policy/attempt-id.ts";
import type { JobSpec } from "../../core/schema/job.ts";
import type { StoredRun } from "../store/store.ts";

/** A run that has jobs without a verdict, with what has become of them. */
export class RunEntry {
  readonly run: StoredRun;
  readonly #finished: Set<string>;
  #cancelled: "all" | ReadonlySet<string>;

  constructor(run: StoredRun, finished: ReadonlySet<string>, cancelled: "all" | ReadonlySet<string>) {
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
    return this.#cancelled === "all" || this.#cancelled.has(jobId);
  }

  finish(jobId: string): void {
    this.#finished.add(jobId);
  }

  /** What others have written since. */
  update(finished: ReadonlySet<string>, cancelled: "all" | ReadonlySet<string>): void {
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
