import { BackOff } from "../../client/back-off.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { parseAttemptId } from "../../core/policy/attempt-id.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import type { JobSpec } from "../../core/schema/job.ts";
import type { AttemptSpecInput, AttemptStatus } from "../../core/wire/attempt.ts";
import type { Log } from "../../log/log.ts";
import type { DispatcherLease } from "../queue/dispatcher-lease.ts";
import type { AgentFleet } from "./agent-fleet.ts";
import type { TakenSlot } from "./agent-link.ts";
import type { JobAtHand } from "./job-at-hand.ts";
import type { JobBook } from "./job-book.ts";
import { cancelledEnd, type JobEnding } from "./job-ending.ts";

export interface HandOut {
  /** Hands the attempt to an agent, unless that was done; settles when it has left its slot. */
  process(attemptId: string): Promise<void>;
}

export interface HandOutDependencies {
  readonly lease: Pick<DispatcherLease, "isHeld" | "whenHeld">;
  readonly epoch: number;
  readonly fleet: AgentFleet;
  readonly book: JobBook;
  readonly ending: JobEnding;
  /** Signed URL that agents fetch a file of the store by. */
  readonly blobUrl: (sha256: string) => string;
  readonly events: {
    onRunning(job: JobAtHand): void;
    /** An agent has seen a later epoch. */
    onSucceeded(): void;
  };
  readonly log: Log;
}

/** A full disk is no failure of the job: it has time until somebody makes room. */
const FULL_DISK_RETRY = { firstMs: 200, longestMs: 5_000 };

type PutAnswer =
  | { readonly type: "accepted"; readonly status: AttemptStatus }
  | { readonly type: "refused" }
  /** Nobody knows whether the agent has it. */
  | { readonly type: "unknown" }
  | { readonly type: "failed"; readonly error: FarmError };

export function createHandOut(dependencies: HandOutDependencies): HandOut {
  const { lease, epoch, fleet, book, ending, events, log } = dependencies;

  async function put(job: JobAtHand, { link }: TakenSlot): Promise<PutAnswer> {
    const spec = attemptSpecOf(job, dependencies.blobUrl);
    const backOff = new BackOff(FULL_DISK_RETRY);
    for (let isFirst = true; ; isFirst = false) {
      try {
        return { type: "accepted", status: await link.client.putAttempt(job.attemptId, spec, epoch) };
      } catch (thrown) {
        const error = FarmError.from(thrown);
        if (error.code === "NoFreeSlot") return { type: "refused" };
        if (error.code === "StoreFull" && job.reasonToCancel === undefined) {
          log.warn(
            { attemptId: job.attemptId, agent: link.address },
            "an agent's disk is full; trying until there is room",
          );
          await backOff.pause();
          await lease.whenHeld();
          continue;
        }
        if (error.code === "Draining") {
          link.isDraining = true;
          return { type: "refused" };
        }
        if (error.code === "StaleEpoch") {
          events.onSucceeded();
          return { type: "unknown" };
        }
        // The agent has this attempt from before, under another URL of the firmware: its hello tells how it stands.
        if (error.code === "AttemptConflict") return { type: "unknown" };
        // A kept connection may break at the very moment it is used again; the request can be repeated.
        if (error.code === "AgentLost" && isFirst && link.isConnected) continue;
        if (error.code === "AgentLost") return { type: "unknown" };
        return { type: "failed", error };
      }
    }
  }

  /** @returns true when the job is to be handed out once more */
  function apply(job: JobAtHand, taken: TakenSlot, answer: PutAnswer): boolean {
    taken.link.settle(taken, answer.type === "refused" ? "refused" : answer.type === "failed" ? "unused" : "accepted");
    // Its end, or its agent's hello, was faster than the answer.
    if (job.phase !== "handing" || job.attemptId !== taken.attemptId) return false;
    switch (answer.type) {
      case "refused":
        job.agent = undefined;
        job.phase = "queued";
        return true;
      case "failed":
        void ending.fail(job, answer.error);
        return false;
      case "unknown":
        // Taken to run there; what the agent says next tells, or its silence does.
        job.phase = "running";
        taken.link.refresh();
        return false;
      case "accepted":
        job.phase = "running";
        events.onRunning(job);
        if (answer.status.result) void ending.end(job, { ...answer.status.result, result: answer.status.result });
        else if (job.reasonToCancel !== undefined) taken.link.cancel(job.attemptId, job.reasonToCancel);
        return false;
    }
  }

  async function handOut(job: JobAtHand): Promise<void> {
    const { attemptId } = job;
    const isWanted = () => job.phase === "queued" && job.attemptId === attemptId;
    while (isWanted()) {
      if (job.reasonToCancel !== undefined) return void ending.end(job, cancelledEnd(job.reasonToCancel));
      const taken = await fleet.takeSlot(attemptId, job.avoided);
      if (!lease.isHeld() || !isWanted() || job.reasonToCancel !== undefined) {
        taken.link.settle(taken, "unused");
        await lease.whenHeld();
        continue;
      }
      job.agent = taken.link;
      job.phase = "handing";
      if (!apply(job, taken, await put(job, taken))) return;
    }
  }

  const underWay = new Set<string>();

  return {
    async process(attemptId) {
      const parsed = parseAttemptId(attemptId);
      const job = parsed && book.find(parsed.jobId);
      // Its job has a verdict, or a later attempt.
      if (!job || job.attemptId !== attemptId) return;
      const left = job.whenLeft();
      if (job.phase === "queued" && !underWay.has(attemptId)) {
        underWay.add(attemptId);
        handOut(job)
          .catch((error: unknown) => {
            log.error({ err: error, attemptId }, "an attempt could not be handed out");
            void ending.fail(job, FarmError.from(error));
          })
          .finally(() => underWay.delete(attemptId));
      }
      await left;
    },
  };
}

function attemptSpecOf(job: JobAtHand, blobUrl: (sha256: string) => string): AttemptSpecInput {
  const { board: boardName, priority: _priority, pool: _pool, ...options } = job.spec;
  const { firmware } = options;
  const files = [firmware, firmware.initrd, firmware.dtb].filter((file) => file !== undefined);
  return {
    ...options,
    tenant: job.run.run.tenant,
    boardName,
    board: boardOf(job.spec, job.run.run.boards),
    urls: Object.fromEntries(files.map(({ sha256 }) => [sha256, blobUrl(sha256)])),
  };
}

/** @throws {FarmError} UnknownBoard */
export function boardOf({ board }: Pick<JobSpec, "board">, boards: Readonly<Record<string, BoardSpec>>): BoardSpec {
  const spec = boards[board];
  if (!spec) throw new FarmError("UnknownBoard", { board, hint: "" });
  return spec;
}
