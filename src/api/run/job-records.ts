import { FarmError } from "../../core/error/farm-error.ts";
import { jobIdOf, parseJobId } from "../../core/policy/attempt-id.ts";
import type { VerdictName } from "../../core/verdict.ts";
import type { JobRecord, JobVerdict } from "../../core/wire/farm.ts";
import type { FarmQueue } from "../queue/farm-queue.ts";
import type { JobPlace } from "../queue/waiting-room.ts";
import type { Store, StoredRun } from "../store/store.ts";
import type { RunLedger } from "./run-ledger.ts";
import { jobNameOf } from "./run-submission.ts";

export interface JobPage {
  readonly state?: JobRecord["state"] | undefined;
  readonly verdict?: VerdictName | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

/** Jobs as callers see them. */
export interface JobRecords {
  /** @throws {FarmError} NotFound */
  read(jobId: string): Promise<JobRecord>;
  /** @throws {FarmError} NotFound */
  list(runId: string, page: JobPage): Promise<JobRecord[]>;
}

interface JobRecordsDependencies {
  readonly store: Store;
  readonly ledger: RunLedger;
  readonly queue: Pick<FarmQueue, "waitingRoom" | "placesOf">;
}

export function createJobRecords({ store, ledger, queue }: JobRecordsDependencies): JobRecords {
  async function describe(run: StoredRun, index: number): Promise<JobRecord> {
    const spec = run.spec.jobs[index];
    const id = jobIdOf(run.id, index);
    if (!spec) throw new FarmError("NotFound", { kind: "job", name: id });
    const { tenant } = run;
    const bare = { id, runId: run.id, index, name: jobNameOf(spec), tenant, pool: run.pool, spec };
    const verdict = await store.readVerdict(id);
    if (verdict) return finished(bare, verdict);
    const place = await findPlace(run, id);
    if (place) return { ...bare, state: "running", attempt: place.attempt, agentId: place.agent };
    return { ...bare, state: "waiting", ...(await describeWaiting(run, id)) };
  }

  async function findPlace(run: StoredRun, jobId: string): Promise<JobPlace | undefined> {
    const known = (await ledger.progress(run.id))?.placeOf(jobId);
    return known ?? (await hint(async () => (await queue.placesOf(run.pool).findPlaces([jobId])).get(jobId)));
  }

  async function describeWaiting(run: StoredRun, jobId: string): Promise<Pick<JobRecord, "waiting">> {
    const position = await hint(() => queue.waitingRoom.position(run.pool, { jobId, tenant: run.tenant }));
    if (position === undefined) return {};
    const reason = position === 0 ? "next in line; waits for a free slot" : `${position} jobs are before it`;
    return { waiting: { position, reason } };
  }

  return {
    async read(jobId) {
      const { runId, index } = parseJobId(jobId);
      const run = await store.readRun(runId);
      if (!run) throw new FarmError("NotFound", { kind: "job", name: jobId });
      return await describe(run, index);
    },

    async list(runId, { state, verdict, limit, after }) {
      const run = await store.readRun(runId);
      const progress = await ledger.progress(runId);
      if (!run || !progress) throw new FarmError("NotFound", { kind: "run", name: runId });
      const records: JobRecord[] = [];
      const first = after === undefined ? 0 : parseJobId(after).index + 1;
      for (let index = first; index < run.jobCount && records.length < limit; index += 1) {
        const isFinished = progress.hasVerdict(jobIdOf(runId, index));
        // Only a finished job has a verdict: others need not be looked at.
        if ((verdict !== undefined || state === "finished") && !isFinished) continue;
        if (state !== undefined && state !== "finished" && isFinished) continue;
        const record = await describe(run, index);
        if (state !== undefined && record.state !== state) continue;
        if (verdict !== undefined && record.verdict?.verdict !== verdict) continue;
        records.push(record);
      }
      return records;
    },
  };
}

function finished(bare: Omit<JobRecord, "state">, verdict: JobVerdict): JobRecord {
  return { ...bare, state: "finished", attempt: verdict.attempt, verdict };
}

/** What Redis tells is a hint: without it, the answer has less in it. */
async function hint<Value>(ask: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof FarmError && error.code === "QueueUnavailable") return undefined;
    throw error;
  }
}
