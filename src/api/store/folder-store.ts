import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { JobVerdict } from "../../core/wire/farm.ts";
import type { Log } from "../../log/log.ts";
import type { StoredInstance } from "../instance/instance-record.ts";
import { type ArtifactFiles, type ArtifactPlace, createArtifactFiles } from "./artifact-files.ts";
import { createTemporaryNames, discard, type TemporaryNames } from "./atomic-file.ts";
import { type Blobs, createFileBlobs } from "./blobs.ts";
import type { Bucket } from "./bucket.ts";
import { refuseWithoutBucket } from "./bucket-claim.ts";
import { type BucketSide, createBucketSide } from "./bucket-side.ts";
import { takeNextEpoch } from "./epoch-files.ts";
import { FirmwareFiles } from "./firmware-files.ts";
import { InstanceFiles } from "./instance-files.ts";
import { createLogFiles, type LogFiles } from "./log-files.ts";
import { createOwner, isOwnerGone } from "./process-owner.ts";
import { applyRetention } from "./retention.ts";
import { RunFiles } from "./run-files.ts";
import { createRunMarks, type RunMarks } from "./run-marks.ts";
import type { Cancellation, CreatedRun, Retention, RunSummary, Store, StoredRun } from "./store.ts";
import { guardStore, toStoreError } from "./store-fault.ts";
import { createStoreLayout, foldersOf, type StoreLayout } from "./store-layout.ts";
import { VerdictFiles } from "./verdict-files.ts";
import { VerdictJournal } from "./verdict-journal.ts";

const MAX_FIRMWARE_BYTES = 2 * 1024 * 1024 * 1024;

export interface FolderStoreOptions {
  readonly folder: string;
  readonly maxFirmwareBytes?: number;
  /** Where firmware, long logs and artifacts go; disposed of with the store. */
  readonly bucket?: { readonly bucket: Bucket; readonly log: Log } | undefined;
  /** Told when what was stored could not be made safe against loss of power in time. */
  readonly onFault: (error: unknown) => void;
}

interface Parts {
  readonly layout: StoreLayout;
  readonly temporary: TemporaryNames;
  readonly journal: VerdictJournal;
  readonly runs: RunFiles;
  readonly marks: RunMarks;
  readonly verdicts: VerdictFiles;
  readonly blobs: Blobs;
  readonly bucketSide: BucketSide | undefined;
  readonly logs: LogFiles;
  readonly artifacts: ArtifactFiles;
  readonly firmware: FirmwareFiles;
  readonly instances: InstanceFiles;
}

/** The store as a folder, which several processes of one machine may have open at once. */
export class FolderStore implements Store {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Opens the folder, makes it where it is missing, and clears up what a killed process left.
   * @throws {FarmError} StoreFull, StoreUnavailable
   */
  static async open(options: FolderStoreOptions): Promise<FolderStore> {
    const parts = createParts(options);
    await using starting = new AsyncDisposableStack();
    const store = starting.use(new FolderStore(parts));
    await store.#guard(async () => {
      for (const folder of foldersOf(parts.layout)) await mkdir(folder, { recursive: true, mode: 0o700 });
      if (!parts.bucketSide) await refuseWithoutBucket(parts.layout.bucketClaim);
      await parts.journal.recover(isOwnerGone);
      await removeLeftovers(parts.layout);
      for (const id of await store.#unsummarisedRuns()) {
        await parts.runs.removeTorn(id);
        await parts.verdicts.removeIncomplete(id);
      }
      await parts.bucketSide?.begin();
    });
    starting.move();
    return store;
  }

  async createRun(run: StoredRun): Promise<CreatedRun> {
    const created = await this.#guard(() => this.#parts.runs.create(run));
    const durable = this.#guard(() => created.durable);
    // Not everybody waits for it.
    durable.catch(() => {});
    return { ...created, durable };
  }

  readRun(id: string): Promise<StoredRun | undefined> {
    return this.#guard(() => this.#parts.runs.read(id));
  }

  readRunHead(id: string) {
    return this.#guard(() => this.#parts.runs.readHead(id));
  }

  listRuns(options: { limit: number; before?: string }) {
    return this.#guard(() => this.#parts.runs.list(options));
  }

  listUnfinishedRuns(): Promise<string[]> {
    return this.#guard(async () => {
      const unfinished: string[] = [];
      for (const id of await this.#unsummarisedRuns()) {
        const head = await this.#parts.runs.readHead(id);
        if (head && (await this.#parts.verdicts.count(id)) < head.jobCount) unfinished.push(id);
      }
      return unfinished;
    });
  }

  createSummary(runId: string, summary: RunSummary): Promise<void> {
    return this.#guard(() => this.#parts.marks.createSummary(runId, summary));
  }

  readSummary(runId: string): Promise<RunSummary | undefined> {
    return this.#guard(() => this.#parts.marks.readSummary(runId));
  }

  createCancellation(runId: string, reason: string, jobIds?: readonly string[]): Promise<void> {
    return this.#guard(() => this.#parts.marks.createCancellation(runId, reason, jobIds));
  }

  readCancellation(runId: string): Promise<Cancellation> {
    return this.#guard(() => this.#parts.marks.readCancellation(runId));
  }

  createVerdict(verdict: JobVerdict): Promise<"created" | "exists"> {
    return this.#guard(() => this.#parts.verdicts.create(verdict));
  }

  readVerdict(jobId: string): Promise<JobVerdict | undefined> {
    return this.#guard(() => this.#parts.verdicts.read(jobId));
  }

  async *listVerdicts(runId: string): AsyncIterable<JobVerdict> {
    try {
      yield* this.#parts.verdicts.list(runId);
    } catch (error) {
      throw toStoreError(error, this.#parts.layout.root);
    }
  }

  listFinishedJobs(runId: string): Promise<ReadonlySet<string>> {
    return this.#guard(() => this.#parts.verdicts.listFinished(runId));
  }

  writeLog(log: { jobId: string; attempt: number; uart: string }, bytes: Readable | Uint8Array): Promise<void> {
    return this.#guard(() => this.#parts.logs.write(log, bytes));
  }

  openLog(log: { jobId: string; attempt: number; uart: string }, offset = 0): Promise<Readable | undefined> {
    return this.#guard(() => this.#parts.logs.open(log, offset));
  }

  writeArtifact(artifact: ArtifactPlace, bytes: Readable): Promise<void> {
    return this.#guard(() => this.#parts.artifacts.write(artifact, bytes));
  }

  openArtifact(artifact: ArtifactPlace): Promise<Readable | undefined> {
    return this.#guard(() => this.#parts.artifacts.open(artifact));
  }

  putFirmware(bytes: Readable, expectedSha256?: string) {
    return this.#guard(() => this.#parts.firmware.put(bytes, expectedSha256));
  }

  hasFirmware(sha256: string): Promise<boolean> {
    return this.#guard(() => this.#parts.firmware.has(sha256));
  }

  openFirmware(sha256: string) {
    return this.#guard(() => this.#parts.firmware.open(sha256));
  }

  listInstances(): Promise<StoredInstance[]> {
    return this.#guard(() => this.#parts.instances.list());
  }

  writeInstance(instance: StoredInstance): Promise<void> {
    return this.#guard(() => this.#parts.instances.write(instance));
  }

  deleteInstance(name: string): Promise<void> {
    return this.#guard(() => this.#parts.instances.delete(name));
  }

  nextEpoch(pool: string): Promise<number> {
    return this.#guard(() => takeNextEpoch(this.#parts.layout, pool, this.#parts.temporary));
  }

  applyRetention(retention: Retention, nowMs: number) {
    return this.#guard(async () => {
      const freed = await applyRetention(this.#parts, retention, nowMs);
      await this.#parts.bucketSide?.sweep(nowMs);
      return freed;
    });
  }

  /** Settles when everything is on the disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.bucketSide?.[Symbol.asyncDispose]();
    await this.#parts.journal.close();
  }

  async #unsummarisedRuns(): Promise<string[]> {
    const ids: string[] = [];
    for (const id of await this.#parts.runs.listIds()) {
      if (!(await this.#parts.marks.readSummary(id))) ids.push(id);
    }
    return ids;
  }

  #guard<Value>(operation: () => Promise<Value>): Promise<Value> {
    return guardStore(this.#parts.layout.root, operation);
  }
}

function createParts({ folder, maxFirmwareBytes = MAX_FIRMWARE_BYTES, bucket, onFault }: FolderStoreOptions): Parts {
  const layout = createStoreLayout(folder);
  const owner = createOwner();
  const temporary = createTemporaryNames(layout.temporary, owner);
  const ensureFolder = async (path: string) => {
    await mkdir(path, { recursive: true });
  };
  const journal = new VerdictJournal({ root: folder, folder: layout.journal, owner, temporary, ensureFolder, onFault });
  const verdicts = new VerdictFiles(layout, temporary, journal);
  const bucketSide = bucket && createBucketSide({ ...bucket, layout, owner, temporary });
  const blobs = bucketSide?.blobs ?? createFileBlobs();
  return {
    layout,
    temporary,
    journal,
    verdicts,
    blobs,
    bucketSide,
    runs: new RunFiles(layout, temporary),
    marks: createRunMarks(layout, temporary),
    logs: createLogFiles({ layout, temporary, verdicts, journal, blobs }),
    artifacts: createArtifactFiles({ layout, temporary, verdicts, journal, blobs }),
    firmware: new FirmwareFiles({ layout, temporary, blobs, maxBytes: maxFirmwareBytes }),
    instances: new InstanceFiles(layout, temporary),
  };
}

async function removeLeftovers(layout: StoreLayout): Promise<void> {
  for (const name of await readdir(layout.temporary)) {
    if (isOwnerGone(name)) await discard(join(layout.temporary, name));
  }
}
