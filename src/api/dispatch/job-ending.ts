import { BackOff } from "../../client/back-off.ts";
import type { ErrorBody } from "../../core/error/error-body.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { isExpectedEnd, jobVerdictOf } from "../../core/policy/job-verdict.ts";
import { decideRetry } from "../../core/policy/retry.ts";
import type { VerdictName } from "../../core/verdict.ts";
import type { AttemptResult } from "../../core/wire/attempt.ts";
import type { Log } from "../../log/log.ts";
import type { DispatcherQueue } from "../queue/farm-queue.ts";
import type { RunningQueue } from "../queue/running-queue.ts";
import type { Store } from "../store/store.ts";
import type { DispatchMetrics } from "./dispatch-metrics.ts";
import type { JobAtHand } from "./job-at-hand.ts";
import type { JobBook } from "./job-book.ts";
import { isWhole, transferResult } from "./result-transfer.ts";

/** How an attempt ended, or why none ran. */
export interface AttemptEnd {
  readonly verdict: VerdictName;
  readonly error?: ErrorBody | undefined;
  readonly result?: AttemptResult | undefined;
  readonly isSkipped?: boolean;
  /** True when no attempt ran. */
  readonly isWithoutAttempt?: boolean;
}

export interface JobEnding {
  /** Makes the verdict, or the next attempt, of the end of the current one. The first end counts. Never rejects. */
  end(job: JobAtHand, end: AttemptEnd): Promise<void>;
  /** The current attempt failed for a reason of the farm's. */
  fail(job: JobAtHand, error: FarmError): Promise<void>;
  /** True while the store does not take verdicts: no new work then. */
  readonly isStoreFailing: boolean;
}

export interface JobEndingDependencies {
  readonly store: Store;
  readonly queue: Pick<DispatcherQueue, "records"> & { readonly running: RunningQueue };
  readonly book: JobBook;
  readonly log: Log;
  readonly metrics: DispatchMetrics;
  /** Aborts at the end of the term: what is not written then, the next dispatcher writes. */
  readonly signal: AbortSignal;
}

const STORE_RETRY = { firstMs: 200, longestMs: 5_000 };

export function createJobEnding(dependencies: JobEndingDependencies): JobEnding {
  const { store, queue, book, log, metrics, signal } = dependencies;
  let failingWrites = 0;

  /** Does it until the store takes it: the attempt stays with its agent until then. */
  async function persist(write: () => Promise<unknown>): Promise<void> {
    const backOff = new BackOff(STORE_RETRY);
    for (let isFirst = true; ; isFirst = false) {
      try {
        await write();
        if (!isFirst) failingWrites -= 1;
        return;
      } catch (error) {
        const { code } = FarmError.from(error);
        if (code !== "StoreFull" && code !== "StoreUnavailable") throw error;
        if (isFirst) {
          failingWrites += 1;
          log.error({ err: error }, "the store takes no verdicts; trying until it does");
        }
        await backOff.pause(signal);
      }
    }
  }

  async function storeOutput(job: JobAtHand, end: AttemptEnd, isFinal: boolean): Promise<void> {
    const { jobId, attempt, attemptId, agent } = job;
    if (!end.result || !agent) return;
    const transfer = { jobId, attempt, attemptId, result: end.result, link: agent, isFinal };
    if (isFinal && isWhole(end.result)) return;
    await persist(() => transferResult(store, log, transfer));
  }

  async function writeVerdict(job: JobAtHand, end: AttemptEnd): Promise<void> {
    const { jobId, spec, agent, attemptId, earlier } = job;
    const verdict = jobVerdictOf({
      jobId,
      spec,
      verdict: end.verdict,
      attempt: end.isWithoutAttempt ? (earlier.at(-1)?.attempt ?? 0) : job.attempt,
      earlier: end.isWithoutAttempt ? earlier.slice(0, -1) : earlier,
      error: end.error,
      result: end.result,
      isSkipped: end.isSkipped ?? false,
      finishedAt: new Date().toISOString(),
    });
    await storeOutput(job, end, true);
    await persist(() => store.createVerdict(verdict));
    if (end.result) agent?.acknowledge(attemptId);
    book.close(job);
    metrics.verdicts.inc({ verdict: end.verdict });
    queue.records.tellFinished(jobId);
    if (earlier.length > 0) forgetRetried(jobId);
  }

  async function tryAgain(job: JobAtHand, end: AttemptEnd, isElsewhere: boolean): Promise<void> {
    const { jobId, agent, attempt, attemptId } = job;
    await storeOutput(job, end, false);
    const why = { attempt, ...(agent && { agentId: agent.agentId }), ...(end.error && { error: end.error }) };
    log.warn({ attemptId, error: end.error?.code }, "the attempt did not count; the job is tried again");
    metrics.retries.inc({ class: end.error?.class ?? "infrastructure" });
    job.beginNext(why, isElsewhere ? agent : undefined);
    const retried = { attempt: job.attempt, earlier: job.earlier };
    book.setRetried(jobId, retried);
    await queue.records.setRetried(jobId, retried);
    // Only now: an agent that still has the old attempt is another place that tells of it.
    if (end.result) agent?.acknowledge(attemptId);
    await queue.running.add([job.attemptId]);
  }

  async function decide(job: JobAtHand, end: AttemptEnd): Promise<void> {
    const decision = decideRetry({
      error: end.verdict === "passed" ? undefined : end.error,
      isExpected: isExpectedEnd(job.spec, end.verdict, end.result),
      isCancelled: job.reasonToCancel !== undefined || end.isWithoutAttempt === true,
      earlier: job.earlier,
      retries: job.spec.retries,
    });
    if (decision === "elsewhere" || decision === "again") return await tryAgain(job, end, decision === "elsewhere");
    if (decision === "final") return await writeVerdict(job, cancelledUnlessPassed(end, job.reasonToCancel));
    const last = end.error?.message ?? end.verdict;
    const error = new FarmError("RetriesExhausted", { attempts: job.earlier.length + 1, last }).toBody();
    await writeVerdict(job, { ...end, verdict: "errored", error });
  }

  /** Waits for Redis where it is away; nothing waits for it. */
  function forgetRetried(jobId: string): void {
    queue.records.forgetRetried(jobId).catch((error: unknown) => {
      log.debug({ err: error, jobId }, "the note of a job's earlier attempts stays until the next start");
    });
  }

  async function end(job: JobAtHand, how: AttemptEnd): Promise<void> {
    if (job.phase === "ending") return;
    job.phase = "ending";
    job.leave();
    try {
      await decide(job, how);
    } catch (error) {
      // Stays unacknowledged at its agent, and without a verdict in the store: the next term takes it up.
      if (!signal.aborted) log.error({ err: error, attemptId: job.attemptId }, "the end of a job could not be written");
    }
  }

  return {
    end,
    async fail(job, error) {
      await end(job, { verdict: "errored", error: error.toBody() });
    },
    get isStoreFailing() {
      return failingWrites > 0;
    },
  };
}

/** A cancelled job whose attempt was lost on the way is cancelled, not errored. */
function cancelledUnlessPassed(end: AttemptEnd, reason: string | undefined): AttemptEnd {
  if (reason === undefined || end.result || end.isWithoutAttempt) return end;
  return { ...end, verdict: "cancelled", error: cancelledError(reason) };
}

/** The end of a job that is cancelled before its attempt has begun. */
export function cancelledEnd(reason: string): AttemptEnd {
  return { verdict: "cancelled", error: cancelledError(reason), isWithoutAttempt: true };
}

function cancelledError(reason: string): ErrorBody {
  return new FarmError("Cancelled", { reason }).toBody();
}
