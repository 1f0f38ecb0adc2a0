import { FarmError } from "../../core/error/farm-error.ts";
import { jobIdOf, parseJobId } from "../../core/policy/attempt-id.ts";
import type { VerdictName } from "../../core/verdict.ts";
import type { JobRecord, JobVerdict } from "../../core/wire/farm.ts";
import type { FarmQueue } from "../queue/farm-queue.ts";
import type { JobPlace } from "../queue/waiting-room.ts";
import type { Store, StoredRun } from "../store/store.ts";
import { jobNameOf } from "./job-name.ts";
import type { RunLedger } from "./run-ledger.ts";
import type { RunProgress } from "./run-progress.ts";

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
  /** Why there are fewer agents than there shall be, a sentence each. */
  readonly obstacles: () => Promise<readonly string[]>;
}

type Places = ReadonlyMap<string, JobPlace>;

const NEXT_IN_LINE = "next in line; waits for a free slot (instances hold slots, too: emufarm get instances)";
/** Jobs that Redis is asked for at once. */
const PLACES_PER_QUERY = 1_000;

export function createJobRecords({ store, ledger, queue, obstacles }: JobRecordsDependencies): JobRecords {
  async function describe(run: StoredRun, index: number, places?: Places): Promise<JobRecord> {
    const spec = run.spec.jobs[index];
    const id = jobIdOf(run.id, index);
    if (!spec) throw new FarmError("NotFound", { kind: "job", name: id });
    const { tenant } = run;
    const bare = { id, runId: run.id, index, name: jobNameOf(spec), tenant, pool: run.pool, spec };
    const verdict = await store.readVerdict(id);
    if (verdict) return finished(bare, verdict);
    const place = (places ?? (await findPlaces(run, [id]))).get(id);
    if (place) return { ...bare, state: "running", attempt: place.attempt, agentId: place.agent };
    // It may have finished between the two questions.
    const late = places ? undefined : await store.readVerdict(id);
    if (late) return finished(bare, late);
    return { ...bare, state: "waiting", ...(await describeWaiting(run, id)) };
  }

  /** By the signals, else as the dispatcher has noted; Redis is asked once for all that no signal has told of. */
  async function findPlaces(run: StoredRun, jobIds: readonly string[]): Promise<Places> {
    const progress = await ledger.progress(run.id);
    const places = new Map<string, JobPlace>();
    const unknown: string[] = [];
    for (const id of jobIds) {
      const place = progress?.placeOf(id);
      if (place) places.set(id, place);
      else unknown.push(id);
    }
    if (unknown.length === 0) return places;
    const noted = (await hint(() => queue.placesOf(run.pool).findPlaces(unknown))) ?? [];
    for (const [id, place] of noted) places.set(id, place);
    return places;
  }

  /** Where the unfinished of these jobs run; asked a piece at a time, as far as the page gets. */
  async function placesFrom(run: StoredRun, progress: RunProgress, first: number): Promise<Places> {
    const last = Math.min(first + PLACES_PER_QUERY, run.jobCount);
    const ids = Array.from({ length: last - first }, (_, place) => jobIdOf(run.id, first + place));
    return await findPlaces(
      run,
      ids.filter((id) => !progress.hasVerdict(id)),
    );
  }

  async function describeWaiting(run: StoredRun, jobId: string): Promise<Pick<JobRecord, "waiting">> {
    const position = await hint(() => queue.waitingRoom.position(run.pool, { jobId, tenant: run.tenant }));
    // One that has left the queue and runs nowhere is held for the next slot.
    const place = position ? `${position} before it` : NEXT_IN_LINE;
    return { waiting: { position: position ?? 0, reason: [place, ...(await obstacles())].join("; ") } };
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
      let places: Places = new Map();
      for (let index = first; index < run.jobCount && records.length < limit; index += 1) {
        if ((index - first) % PLACES_PER_QUERY === 0) places = await placesFrom(run, progress, index);
        const isFinished = progress.hasVerdict(jobIdOf(runId, index));
        // Only a finished job has a verdict: others need not be looked at.
        if ((verdict !== undefined || state === "finished") && !isFinished) continue;
        if (state !== undefined && state !== "finished" && isFinished) continue;
        // What runs has a place: the others need not be looked at one by one.
        if (state === "running" && !places.has(jobIdOf(runId, index))) continue;
        const record = await describe(run, index, places);
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
