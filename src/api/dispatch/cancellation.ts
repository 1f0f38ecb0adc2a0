import type { WaitingRoom } from "../queue/waiting-room.ts";
import type { JobAtHand } from "./job-at-hand.ts";
import type { JobBook } from "./job-book.ts";
import { cancelledEnd, type JobEnding } from "./job-ending.ts";
import type { RunEntry } from "./run-entry.ts";

export interface CancellationDependencies {
  readonly pool: string;
  readonly waitingRoom: WaitingRoom;
  readonly book: JobBook;
  readonly ending: JobEnding;
}

/** Verdicts that are written side by side when a whole run is cancelled. */
const SLICE = 64;

/** Ends the jobs of a run that the store says are cancelled: waiting, queued and running ones. */
export async function cancelJobs(dependencies: CancellationDependencies, runId: string): Promise<void> {
  const { book } = dependencies;
  const run = await book.updatedRun(runId);
  if (!run) return;
  const jobIds = [...run.unfinishedJobs()].filter((jobId) => run.isCancelled(jobId));
  for (const job of jobIds.map((jobId) => book.find(jobId))) if (job?.phase === "running") stop(job);
  const others = jobIds.filter((jobId) => (book.find(jobId)?.phase ?? "queued") === "queued");
  if (others.length > 0) await takeOut(dependencies, run, others);
  for (let start = 0; start < others.length; start += SLICE) {
    const slice = others.slice(start, start + SLICE);
    await Promise.all(slice.map((jobId) => endWithoutAttempt(dependencies, run, jobId)));
  }
}

/** The agent ends the attempt, and its result is the verdict. */
function stop(job: JobAtHand): void {
  if (job.reasonToCancel !== undefined) job.agent?.cancel(job.attemptId, job.reasonToCancel);
}

async function takeOut({ pool, waitingRoom }: CancellationDependencies, run: RunEntry, jobIds: readonly string[]) {
  const { tenant } = run.run;
  await waitingRoom.cancel(
    pool,
    jobIds.map((jobId) => ({ jobId, tenant })),
  );
}

async function endWithoutAttempt({ book, ending }: CancellationDependencies, run: RunEntry, jobId: string) {
  if (run.isFinished(jobId)) return;
  const job = book.take(jobId, run);
  if (job.phase === "running") stop(job);
  // One that is being handed out is stopped as soon as its agent has answered.
  if (job.phase !== "queued" || job.reasonToCancel === undefined) return;
  await ending.end(job, cancelledEnd(job.reasonToCancel));
}
