import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Blobs } from "./blobs.ts";
import type { FirmwareFiles } from "./firmware-files.ts";
import type { RunFiles } from "./run-files.ts";
import type { RunMarks } from "./run-marks.ts";
import type { Retention, RunHead } from "./store.ts";
import { isMissing } from "./store-fault.ts";
import type { StoreLayout } from "./store-layout.ts";
import type { VerdictFiles } from "./verdict-files.ts";

/** Firmware that was used so lately may belong to a run that is just being submitted. */
const UPLOAD_GRACE_MS = 3_600_000;

interface RetentionDependencies {
  readonly layout: StoreLayout;
  readonly runs: RunFiles;
  readonly marks: RunMarks;
  readonly verdicts: VerdictFiles;
  readonly firmware: FirmwareFiles;
  readonly blobs: Blobs;
}

interface RunFact {
  readonly head: RunHead;
  readonly isFinished: boolean;
  readonly finishedMs: number;
  readonly sizeBytes: number;
  readonly digests: readonly string[];
}

/** Deletes what the retention does not keep: finished runs by age, then the oldest by size, then unused firmware. */
export async function applyRetention(
  dependencies: RetentionDependencies,
  retention: Retention,
  nowMs: number,
): Promise<{ deletedRuns: number; freedBytes: number }> {
  const { runs, firmware, verdicts, layout } = dependencies;
  let freedBytes = await removeOrphans(dependencies);
  const facts = await observe(dependencies);
  const files = await firmware.list();
  let totalBytes = sum(facts.map(({ sizeBytes }) => sizeBytes)) + sum(files.map(({ sizeBytes }) => sizeBytes));
  const references = countReferences(facts);
  let deletedRuns = 0;

  const free = (bytes: number): void => {
    totalBytes -= bytes;
    freedBytes += bytes;
  };
  const deleteFirmware = async (unusedForMs: number): Promise<void> => {
    for (const [index, file] of [...files.entries()].reverse()) {
      if (references.has(file.sha256) || nowMs - file.usedMs < unusedForMs) continue;
      await firmware.delete(file.sha256);
      files.splice(index, 1);
      free(file.sizeBytes);
    }
  };

  await deleteFirmware(Math.max(retention.maxAgeMs, UPLOAD_GRACE_MS));
  for (const fact of facts.filter(({ isFinished }) => isFinished)) {
    const isTooOld = nowMs - fact.finishedMs > retention.maxAgeMs;
    if (!isTooOld && totalBytes > retention.maxBytes) await deleteFirmware(UPLOAD_GRACE_MS);
    if (!isTooOld && totalBytes <= retention.maxBytes) continue;
    await runs.delete(fact.head);
    await removeResults(layout.resultsOf(fact.head.id));
    verdicts.forget(fact.head.id);
    release(references, fact.digests);
    deletedRuns += 1;
    free(fact.sizeBytes);
  }
  if (totalBytes > retention.maxBytes) await deleteFirmware(UPLOAD_GRACE_MS);
  return { deletedRuns, freedBytes };
}

/** Every run with what decides its fate, the oldest first. */
async function observe({ layout, runs, marks, verdicts, blobs }: RetentionDependencies): Promise<RunFact[]> {
  const facts: RunFact[] = [];
  for (const id of (await runs.listIds()).reverse()) {
    const head = await runs.readHead(id);
    if (!head) continue;
    const summary = await marks.readSummary(id);
    facts.push({
      head,
      isFinished: summary !== undefined || (await verdicts.count(id)) >= head.jobCount,
      finishedMs: Date.parse(summary?.finishedAt ?? head.createdAt),
      sizeBytes: (await blobs.sizeOf(layout.run(id))) + (await sizeOf(blobs, layout.resultsOf(id))),
      digests: await runs.readDigests(id),
    });
  }
  return facts;
}

/** Results whose run is gone: a deletion was killed on its way. */
async function removeOrphans({ layout, runs, blobs }: RetentionDependencies): Promise<number> {
  const ids = new Set(await runs.listIds());
  let freedBytes = 0;
  for (const name of await readdir(layout.results)) {
    if (ids.has(name)) continue;
    freedBytes += await sizeOf(blobs, join(layout.results, name));
    await removeResults(join(layout.results, name));
  }
  return freedBytes;
}

/** Again where something is put there meanwhile: the entry of a blob that has just got to its bucket. */
async function removeResults(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

function countReferences(facts: readonly RunFact[]): Map<string, number> {
  const references = new Map<string, number>();
  for (const { digests } of facts) {
    for (const digest of digests) references.set(digest, (references.get(digest) ?? 0) + 1);
  }
  return references;
}

function release(references: Map<string, number>, digests: readonly string[]): void {
  for (const digest of digests) {
    const left = (references.get(digest) ?? 1) - 1;
    if (left === 0) references.delete(digest);
    else references.set(digest, left);
  }
}

/** Bytes of the files in a folder, which may be written to meanwhile, and moved to a bucket. */
async function sizeOf(blobs: Blobs, folder: string): Promise<number> {
  let bytes = 0;
  try {
    const blobPaths = new Set<string>();
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) bytes += await sizeOf(blobs, path);
      else blobPaths.add(blobs.pathOf(path));
    }
    for (const path of blobPaths) bytes += await blobs.sizeOf(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return bytes;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
