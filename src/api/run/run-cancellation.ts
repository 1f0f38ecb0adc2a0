import { FarmError } from "../../core/error/farm-error.ts";
import { parseJobId } from "../../core/policy/attempt-id.ts";
import { jobVerdictOf } from "../../core/policy/job-verdict.ts";
import type { Log } from "../../log/log.ts";
import type { FarmQueue } from "../queue/farm-queue.ts";
import type { Store, StoredRun } from "../store/store.ts";
import type { RunLedger } from "./run-ledger.ts";

interface RunCancellationDependencies {
  readonly store: Store;
  readonly queue: Pick<FarmQueue, "waitingRoom" | "signals">;
  readonly ledger: RunLedger;
  readonly log: Log;
  readonly clock: () => number;
}

/** Ends runs and jobs that nobody wants any more. */
export interface RunCancellation extends AsyncDisposable {
  /** @throws {FarmError} NotFound */
  cancelRun(runId: string, reason: string): Promise<void>;
  /** @throws {FarmError} NotFound */
  cancelJob(jobId: string, reason: string): Promise<void>;
}

/** Verdicts that are written at a time. */
const WRITERS = 16;
/** A caller gets the answer after this time; verdicts of a large run are written on behind it. */
const ANSWER_AFTER_MS = 500;

export function createRunCancellation(dependencies: RunCancellationDependencies): RunCancellation {
  const { store, queue, ledger, log } = dependencies;
  const writing = new Set<Promise<void>>();

  /** What is not written when the process is killed, the dispatcher writes: it reads the mark. */
  async function writeFor(run: StoredRun, jobIds: readonly string[], reason: string): Promise<void> {
    const written = writeVerdicts(dependencies, run, jobIds, reason);
    const told = written
      .catch((error: unknown) => log.error({ err: error, runId: run.id }, "verdicts of cancelled jobs wait"))
      .finally(() => writing.delete(told));
    writing.add(told);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ANSWER_AFTER_MS);
    await Promise.race([written, late]).finally(() => clearTimeout(timer));
  }

  /** The mark in the store is what counts; all else makes it happen soon. */
  async function cancel(run: StoredRun, jobIds: readonly string[] | undefined, reason: string): Promise<void> {
    const progress = await ledger.progress(run.id);
    const unfinished = jobIds?.filter((id) => !progress?.hasVerdict(id)) ?? progress?.unfinishedJobIds() ?? [];
    if (unfinished.length === 0) return;
    await store.createCancellation(run.id, reason, jobIds);
    if (progress && jobIds === undefined) progress.isCancelled = true;
    try {
      const jobs = unfinished.map((jobId) => ({ jobId, tenant: run.tenant }));
      const waited = await queue.waitingRoom.cancel(run.pool, jobs);
      await writeFor(run, waited, reason);
      if (waited.length === unfinished.length) return;
      await queue.signals.publish({
        type: "cancelled",
        pool: run.pool,
        runId: run.id,
        ...(jobIds !== undefined && { jobIds }),
      });
    } catch (error) {
      if (!(error instanceof FarmError) || error.code !== "QueueUnavailable") throw error;
      // The dispatcher reads the mark when Redis is back.
      log.warn({ err: error, runId: run.id }, "a cancellation waits for the queue to come back");
    }
  }

  return {
    async cancelRun(runId, reason) {
      const run = await store.readRun(runId);
      if (!run) throw new FarmError("NotFound", { kind: "run", name: runId });
      await cancel(run, undefined, reason);
    },
    async cancelJob(jobId, reason) {
      const { runId, index } = parseJobId(jobId);
      const run = await store.readRun(runId);
      if (!run?.spec.jobs[index]) throw new FarmError("NotFound", { kind: "job", name: jobId });
      await cancel(run, [jobId], reason);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(writing);
    },
  };
}

async function writeVerdicts(
  { store, ledger, clock }: RunCancellationDependencies,
  run: StoredRun,
  jobIds: readonly string[],
  reason: string,
): Promise<void> {
  const finishedAt = new Date(clock()).toISOString();
  const error = new FarmError("Cancelled", { reason }).toBody();
  const ids = jobIds.values();
  const write = async () => {
    for (const jobId of ids) {
      const spec = run.spec.jobs[parseJobId(jobId).index];
      if (!spec) continue;
      const verdict = jobVerdictOf({ jobId, spec, verdict: "cancelled", attempt: 0, earlier: [], error, finishedAt });
      if ((await store.createVerdict(verdict)) === "created") await ledger.noteVerdict(verdict);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}
