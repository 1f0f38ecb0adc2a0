import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect } from "vitest";
import { FolderStore } from "../../../src/api/store/folder-store.ts";
import { createS3Bucket, type S3Settings } from "../../../src/api/store/s3-bucket.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { createLog, type Log } from "../../../src/log/log.ts";

/** A log of which the lines can be looked at. */
export function listeningLog(): { log: Log; said: string[] } {
  const said: string[] = [];
  return { log: createLog({ name: "store", stream: { write: (line) => void said.push(line) } }), said };
}

/** A store with a bucket, as each of a farm's processes opens it. */
export function openBucketStore(folder: string, settings: S3Settings, log = listeningLog().log): Promise<FolderStore> {
  const bucket = createS3Bucket(settings);
  const onFault = (error: unknown) => {
    throw error;
  };
  return FolderStore.open({ folder, bucket: { bucket, log }, onFault });
}

/** Settles once everything that was stored is in the bucket. */
export async function untilMoved(folder: string): Promise<void> {
  await expect.poll(() => readdir(join(folder, "outbox")), { timeout: 90_000 }).toEqual([]);
}

/** Objects of a part of the bucket, by their keys. */
export async function objectsIn(folder: string, start: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((key) => key.startsWith(start) && !key.startsWith("."))
    .sort();
}

export const putText = (store: FolderStore, text: string) => store.putFirmware(Readable.from([Buffer.from(text)]));

export async function readFirmware(store: FolderStore, sha256: string): Promise<string | undefined> {
  const found = await store.openFirmware(sha256);
  return found && (await buffer(found.bytes)).toString();
}

/** The first job's first log. */
export const firstLog = (runId: string) => ({ jobId: jobIdOf(runId, 0), attempt: 1, uart: "uart0" });
