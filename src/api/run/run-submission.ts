import type { ErrorBody } from "../../core/error/error-body.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { jobIdOf } from "../../core/policy/attempt-id.ts";
import { jobVerdictOf } from "../../core/policy/job-verdict.ts";
import type { RunSpec } from "../../core/schema/run.ts";
import type { Log } from "../../log/log.ts";
import type { BoardAvailability } from "../board/board-availability.ts";
import type { BoardRegistry } from "../board/board-registry.ts";
import type { FirmwareImport } from "../firmware/firmware-import.ts";
import type { WaitingRoom } from "../queue/waiting-room.ts";
import type { Store, StoredRun } from "../store/store.ts";
import { createJobCheck } from "./job-check.ts";
import { jobNameOf } from "./job-name.ts";
import { createRunId } from "./run-id.ts";
import type { RunLedger } from "./run-ledger.ts";
import { type RefusedJob, runRefused } from "./run-refusal.ts";

export interface RunSubmissionDependencies {
  readonly store: Store;
  readonly boards: BoardRegistry;
  readonly availability: BoardAvailability;
  readonly firmware: FirmwareImport;
  readonly waitingRoom: WaitingRoom;
  readonly ledger: RunLedger;
  readonly log: Log;
  readonly clock: () => number;
}

export interface Submission {
  readonly spec: RunSpec;
  readonly tenant: string;
  readonly key?: string;
}

/** The pool of a farm on one machine. */
export const DEFAULT_POOL = "default";

/**
 * Accepts a run: every job is checked against its board, the run is written, its jobs wait. Jobs whose board cannot
 * run here get their verdict at once.
 * @throws {FarmError} RunRefused with every job that cannot be accepted, or a single job's own problem; then nothing
 * was accepted
 */
export type SubmitRun = (submission: Submission) => Promise<{ run: StoredRun; isNew: boolean }>;

export function createRunSubmission(dependencies: RunSubmissionDependencies): SubmitRun {
  const { store, boards, firmware, clock } = dependencies;

  return async ({ spec, tenant, key }) => {
    const names = [...new Set(spec.jobs.map((job) => job.board))];
    const problems = await findUnavailable(dependencies, names);
    const refused: RefusedJob[] = [];
    const check = createJobCheck(boards, firmware, problems);
    for (const [index, job] of spec.jobs.entries()) {
      const error = await check.problem(job);
      if (error) refused.push({ index, error });
    }
    if (refused.length > 0) throw runRefused(spec, refused);
    const nowMs = clock();
    const stored: StoredRun = {
      id: createRunId(nowMs),
      name: spec.name ?? nameOf(spec),
      tenant,
      pool: DEFAULT_POOL,
      createdAt: new Date(nowMs).toISOString(),
      ...(key !== undefined && { key }),
      jobCount: spec.jobs.length,
      spec,
      boards: Object.fromEntries(names.map((name) => [name, boards.get(name).spec])),
    };
    const { run, isNew, durable } = await store.createRun(stored);
    // Its jobs may begin while the disk is waited for; the answer comes when nothing can take the run away.
    await Promise.all([durable, isNew && putToWait(dependencies, stored, problems)]);
    return { run, isNew };
  };
}

/** Boards of the farm that cannot run here, with the reason. */
async function findUnavailable(
  { boards, availability }: RunSubmissionDependencies,
  names: readonly string[],
): Promise<ReadonlyMap<string, ErrorBody>> {
  const problems = new Map<string, ErrorBody>();
  for (const { metadata, spec } of boards.list().filter((board) => names.includes(board.metadata.name))) {
    const status = await availability.check(metadata.name, spec);
    if (status.isAvailable === false) problems.set(metadata.name, status.error);
  }
  return problems;
}

async function putToWait(
  { store, ledger, waitingRoom, log, clock }: RunSubmissionDependencies,
  run: StoredRun,
  problems: ReadonlyMap<string, ErrorBody>,
): Promise<void> {
  const waiting: { jobId: string; tenant: string; priority: number }[] = [];
  for (const [index, spec] of run.spec.jobs.entries()) {
    const jobId = jobIdOf(run.id, index);
    const error = problems.get(spec.board);
    if (!error) {
      waiting.push({ jobId, tenant: run.tenant, priority: spec.priority });
      continue;
    }
    const finishedAt = new Date(clock()).toISOString();
    const end = {
      jobId,
      spec,
      verdict: "errored",
      attempt: 0,
      earlier: [],
      error,
      isSkipped: true,
      finishedAt,
    } as const;
    const verdict = jobVerdictOf(end);
    await store.createVerdict(verdict);
    await ledger.noteVerdict(verdict);
  }
  if (waiting.length === 0) return;
  try {
    await waitingRoom.submit(run.pool, waiting);
  } catch (error) {
    if (!(error instanceof FarmError) || error.code !== "QueueUnavailable") throw error;
    // The run is accepted: the store has it, and its jobs are put to wait as soon as Redis is back.
    log.warn({ err: error, runId: run.id }, "a run waits for the queue to come back");
  }
}

function nameOf(spec: RunSpec): string {
  const [first] = spec.jobs;
  if (!first || spec.jobs.length > 1) return `${spec.jobs.length} jobs`;
  return jobNameOf(first);
}
