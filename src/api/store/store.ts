import type { Readable } from "node:stream";
import type { BoardSpec } from "../../core/schema/board.ts";
import type { RunSpec, RunTotals } from "../../core/schema/run.ts";
import type { FirmwareRecord, JobVerdict } from "../../core/wire/farm.ts";
import type { StoredInstance } from "../instance/instance-record.ts";

/** What is known of a run without its jobs: cheap to read, whatever the size of the run. */
export interface RunHead {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly pool: string;
  readonly createdAt: string;
  /** Submission key of the caller; the same key is the same run. */
  readonly key?: string;
  readonly jobCount: number;
}

/** A run as the store holds it: written whole before it is accepted, never changed. */
export interface StoredRun extends RunHead {
  readonly spec: RunSpec;
  /** The boards of the run's jobs as they were at submission: a later change of a board changes no accepted run. */
  readonly boards: Readonly<Record<string, BoardSpec>>;
}

/** What became of a run as a whole, stored once every job has its verdict. */
export interface RunSummary {
  readonly finishedAt: string;
  readonly totals: RunTotals;
}

/** A run that is there for every process. */
export interface CreatedRun {
  readonly run: StoredRun;
  /** False where a run has the key already. */
  readonly isNew: boolean;
  /** Settles once it also survives loss of power; where that fails, it stays as one whose answer was lost. */
  readonly durable: Promise<void>;
}

/** What of a run nobody wants any more, and why. */
export interface Cancellation {
  /** Why the whole run was cancelled, where it was. */
  readonly run?: string;
  /** Why jobs of it were cancelled one by one. */
  readonly jobs: ReadonlyMap<string, string>;
}

/**
 * The record of the farm. Everything else can be rebuilt from it.
 * A folder, whose firmware, long logs and artifacts may lie in a bucket.
 *
 * Durability: what a method has settled for survives the kill of every process at once. A run that is `durable`,
 * `nextEpoch`, and what is said of instances also survive loss of power; verdicts and logs do after at most a second.
 * Every method may throw FarmError StoreFull or StoreUnavailable; what opens firmware, logs and artifacts also
 * BucketUnavailable, BucketRefused and StoredBytesDamaged, the last one on its stream as well.
 */
export interface Store extends AsyncDisposable {
  /** Stores a run. With a key that is known: returns the run that has it, and stores nothing. */
  createRun(run: StoredRun): Promise<CreatedRun>;
  readRun(id: string): Promise<StoredRun | undefined>;
  readRunHead(id: string): Promise<RunHead | undefined>;
  /** Newest first; `before` is the id to go on from. */
  listRuns(options: { limit: number; before?: string }): Promise<RunHead[]>;
  /** Ids of the runs that have jobs without a verdict: what a dispatcher puts back into an emptied queue. */
  listUnfinishedRuns(): Promise<string[]>;
  /** Stores the summary of a run whose jobs all have verdicts; the first one stays. */
  createSummary(runId: string, summary: RunSummary): Promise<void>;
  readSummary(runId: string): Promise<RunSummary | undefined>;
  /** Marks that nobody wants the run any more (or, with job ids, just these jobs). The first reason stays. */
  createCancellation(runId: string, reason: string, jobIds?: readonly string[]): Promise<void>;
  readCancellation(runId: string): Promise<Cancellation>;

  /**
   * Creates the verdict of a job, if absent: that creation is the verdict. Logs that travel in it (`result.logs[].base64`)
   * are stored with it and need no `writeLog`; `openLog` finds them, and what reads verdicts gives them without.
   */
  createVerdict(verdict: JobVerdict): Promise<"created" | "exists">;
  readVerdict(jobId: string): Promise<JobVerdict | undefined>;
  /** Every verdict of a run, in order of the jobs. */
  listVerdicts(runId: string): AsyncIterable<JobVerdict>;
  /** Ids of the jobs of a run that have a verdict: cheaper than reading them. */
  listFinishedJobs(runId: string): Promise<ReadonlySet<string>>;

  /** Stores the log of a UART, replacing what an interrupted try left. */
  writeLog(log: { jobId: string; attempt: number; uart: string }, bytes: Readable | Uint8Array): Promise<void>;
  /** The log as it was stored, from a byte offset; undefined when there is none. */
  openLog(log: { jobId: string; attempt: number; uart: string }, offset?: number): Promise<Readable | undefined>;

  /** Stores a file that a test made, replacing what an interrupted try left. */
  writeArtifact(artifact: { jobId: string; attempt: number; name: string }, bytes: Readable): Promise<void>;
  openArtifact(artifact: { jobId: string; attempt: number; name: string }): Promise<Readable | undefined>;

  /**
   * Stores firmware under the digest of its bytes, once.
   * @throws {FarmError} DigestMismatch, BodyTooLarge
   */
  putFirmware(bytes: Readable, expectedSha256?: string): Promise<FirmwareRecord>;
  hasFirmware(sha256: string): Promise<boolean>;
  openFirmware(sha256: string): Promise<{ sizeBytes: number; bytes: Readable } | undefined>;

  /** Every instance, in no order. */
  listInstances(): Promise<StoredInstance[]>;
  /** Stores an instance over what it was before. */
  writeInstance(instance: StoredInstance): Promise<void>;
  /** One that is not there is fine. */
  deleteInstance(name: string): Promise<void>;

  /** The next epoch of a pool's dispatcher: larger than all before, whatever happened to Redis. */
  nextEpoch(pool: string): Promise<number>;

  /** Deletes runs and firmware that are older or more than the retention allows. Never an unfinished run. */
  applyRetention(retention: Retention, nowMs: number): Promise<{ deletedRuns: number; freedBytes: number }>;
}

export interface Retention {
  /** Age in ms after which a finished run is deleted. */
  readonly maxAgeMs: number;
  /** Bytes of the store above which the oldest finished runs are deleted. */
  readonly maxBytes: number;
}
