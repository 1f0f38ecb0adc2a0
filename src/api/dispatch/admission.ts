import type { ErrorBody } from "../../core/error/error-body.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { parseJobId } from "../../core/policy/attempt-id.ts";
import { admissionCount } from "../../core/policy/dispatch-plan.ts";
import type { Log } from "../../log/log.ts";
import type { BoardAvailability } from "../board/board-availability.ts";
import type { RunningQueue } from "../queue/running-queue.ts";
import type { WaitingRoom } from "../queue/waiting-room.ts";
import type { AgentFleet } from "./agent-fleet.ts";
import { boardOf } from "./hand-out.ts";
import type { JobBook } from "./job-book.ts";
import { cancelledEnd, type JobEnding } from "./job-ending.ts";
import type { RunEntry } from "./run-entry.ts";

export interface Admission extends Disposable {
  /** There may be free slots. */
  onSlots(): void;
  /** There may be waiting jobs. */
  onSubmitted(): void;
}

export interface AdmissionDependencies {
  readonly pool: string;
  readonly queue: { readonly waitingRoom: WaitingRoom; readonly running: RunningQueue };
  readonly fleet: AgentFleet;
  readonly book: JobBook;
  readonly ending: JobEnding;
  readonly boards: BoardAvailability;
  /** False while this dispatcher may not hand out. */
  readonly isAllowed: () => boolean;
  readonly log: Log;
}

const RETRY_MS = 1_000;

/** Lets jobs out of the waiting room: as many as there are free slots, and a short prefetch. */
export function createAdmission(dependencies: AdmissionDependencies): Admission {
  const { pool, queue, fleet, book, ending, boards, isAllowed, log } = dependencies;
  /** Counts submissions, so that one that comes while an answer is under way is not overlooked. */
  let submissions = 0;
  let isRoomEmpty = false;
  let isAdmitting = false;
  let isWoken = false;
  let isClosed = false;
  let retryTimer: NodeJS.Timeout | undefined;

  function wake(): void {
    if (isClosed || isRoomEmpty) return;
    isWoken = true;
    if (!isAdmitting) void admitAll();
  }

  async function admitAll(): Promise<void> {
    isAdmitting = true;
    try {
      while (isWoken && !isClosed) {
        isWoken = false;
        await admitSome();
      }
    } catch (error) {
      if (isClosed) return;
      log.error({ err: error }, "waiting jobs could not be admitted; trying again");
      retryTimer = setTimeout(wake, RETRY_MS);
    } finally {
      isAdmitting = false;
    }
  }

  async function admitSome(): Promise<void> {
    if (!isAllowed()) return;
    if (ending.isStoreFailing) {
      retryTimer = setTimeout(wake, RETRY_MS);
      return;
    }
    const { freeSlots, slots } = fleet;
    const count = admissionCount({ freeSlots, slots, queued: book.countQueued() });
    if (count === 0) return;
    const seen = submissions;
    const jobIds = await queue.waitingRoom.admit(pool, count);
    if (jobIds.length < count && seen === submissions) isRoomEmpty = true;
    const attemptIds = await Promise.all(jobIds.map(takeUp));
    await queue.running.add(attemptIds.filter((id) => id !== undefined));
    if (!isRoomEmpty && jobIds.length > 0) isWoken = true;
  }

  /** @returns the attempt to queue; undefined when there is none */
  async function takeUp(jobId: string): Promise<string | undefined> {
    try {
      const run = await book.run(parseJobId(jobId).runId);
      if (!run || run.isFinished(jobId) || book.find(jobId)) return undefined;
      return await begin(jobId, run);
    } catch (error) {
      log.error({ err: error, jobId }, "a job could not be taken up; back into the waiting room");
      retryTimer = setTimeout(() => void giveBack(jobId), RETRY_MS);
      return undefined;
    }
  }

  async function begin(jobId: string, run: RunEntry): Promise<string | undefined> {
    const job = book.take(jobId, run);
    if (job.reasonToCancel !== undefined) {
      void ending.end(job, cancelledEnd(job.reasonToCancel));
      return undefined;
    }
    const error = await problemWith(job.spec.board, run);
    if (error === undefined) return job.attemptId;
    void ending.end(job, { verdict: "errored", error, isSkipped: true, isWithoutAttempt: true });
    return undefined;
  }

  async function problemWith(board: string, run: RunEntry): Promise<ErrorBody | undefined> {
    try {
      const availability = await boards.check(board, boardOf({ board }, run.run.boards));
      return availability.isAvailable === false ? availability.error : undefined;
    } catch (error) {
      if (FarmError.from(error).class === "job") return FarmError.from(error).toBody();
      throw error;
    }
  }

  /** Where even the store cannot tell the job's tenant, the next look at the unfinished runs brings it back. */
  async function giveBack(jobId: string): Promise<void> {
    try {
      const job = book.find(jobId);
      if (job?.phase === "queued") return await queue.running.add([job.attemptId]);
      const run = await book.run(parseJobId(jobId).runId);
      const priority = run?.specOf(jobId)?.priority;
      if (!run || priority === undefined) return;
      await queue.waitingRoom.submit(pool, [{ jobId, tenant: run.run.tenant, priority }]);
    } catch (error) {
      log.error({ err: error, jobId }, "a job could not be put back; it comes back with the next look at the store");
    }
  }

  return {
    onSlots: wake,
    onSubmitted() {
      submissions += 1;
      isRoomEmpty = false;
      wake();
    },
    [Symbol.dispose]() {
      isClosed = true;
      clearTimeout(retryTimer);
    },
  };
}
