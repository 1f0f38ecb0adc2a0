import type { VerdictName } from "../../core/verdict.ts";
import type { JobVerdict, RunEvent } from "../../core/wire/farm.ts";

export type JobMark = "waiting" | "running" | "passed" | "expected" | "failed" | "skipped" | "cancelled";

export interface FollowedJob {
  readonly id: string;
  readonly name: string;
  readonly board: string;
  mark: JobMark;
  startedMs?: number;
  verdict?: JobVerdict;
}

/** What is known of a run while it goes on. */
export class RunState {
  readonly jobs: readonly FollowedJob[];
  readonly #byId: ReadonlyMap<string, FollowedJob>;

  constructor(runId: string, jobs: readonly { name: string; board: string }[]) {
    this.jobs = jobs.map(({ name, board }, index) => ({
      id: `${runId}-${String(index).padStart(6, "0")}`,
      name,
      board,
      mark: "waiting",
    }));
    this.#byId = new Map(this.jobs.map((job) => [job.id, job]));
  }

  /** Takes an event in. Returns the job that has finished by it. */
  apply(event: RunEvent, nowMs: number): FollowedJob | undefined {
    if (event.type !== "jobRunning" && event.type !== "jobFinished") return undefined;
    const job = this.#byId.get(event.jobId);
    if (!job) return undefined;
    if (event.type === "jobRunning") {
      // Told late, of a job that has its verdict: that one stands.
      if (job.verdict) return undefined;
      job.mark = "running";
      job.startedMs = nowMs;
      return undefined;
    }
    job.verdict = event.verdict;
    job.mark = markOf(event.verdict);
    return job;
  }

  count(mark: JobMark): number {
    return this.jobs.filter((job) => job.mark === mark).length;
  }

  get finished(): number {
    return this.jobs.length - this.count("waiting") - this.count("running");
  }

  get isPassed(): boolean {
    return this.count("failed") === 0 && this.count("cancelled") === 0 && !this.isAllSkipped;
  }

  /** True when no board of the run is available: nothing ran, and nothing was proven. */
  get isAllSkipped(): boolean {
    return this.count("skipped") === this.jobs.length;
  }
}

function markOf({ verdict, isExpected, isSkipped }: JobVerdict): JobMark {
  if (isSkipped) return "skipped";
  if (isExpected) return verdict === "passed" ? "passed" : "expected";
  return verdict === "cancelled" ? "cancelled" : "failed";
}

export const VERDICT_WORDS: Record<VerdictName, string> = {
  passed: "passed",
  failed: "failed",
  timedOut: "timed out",
  errored: "errored",
  cancelled: "cancelled",
};
