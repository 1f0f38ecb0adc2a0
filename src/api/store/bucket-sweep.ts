import { join } from "node:path";
import { readEntry } from "./blob-entry.ts";
import type { Bucket } from "./bucket.ts";

/** An object that has just come may get its entry yet; clocks are at most a quarter of an hour apart. */
const GRACE_MS = 3_600_000;
/** Keys as the mover makes them: a path of the store's layout and something unique. Whatever else is there is not ours. */
const KEY =
  /^(firmware\/[0-9a-f]{2}\/[0-9a-f]{64}|results\/[a-z0-9-]+\/\d{3}\/\d{6}\.\d+\.[a-z0-9-]+(?:\/\w[\w.%-]*)?)\/[0-9a-f]{16}$/;

/**
 * Deletes the objects that no entry of the store's folder names: what the retention has deleted there, and what came
 * twice. The bucket must be this farm's.
 *
 * @throws {FarmError} BucketUnavailable, BucketRefused
 */
export async function sweepBucket(bucket: Bucket, root: string, nowMs: number): Promise<void> {
  for (const start of ["firmware/", "results/"]) {
    for await (const page of bucket.list(start)) {
      for (const { key, modifiedMs } of page) {
        const path = KEY.exec(key)?.[1];
        if (path === undefined || nowMs - modifiedMs < GRACE_MS) continue;
        if ((await readEntry(join(root, path)))?.key !== key) await bucket.delete(key);
      }
    }
  }
}
