import { FarmError } from "../../core/error/farm-error.ts";
import type { Log } from "../../log/log.ts";
import type { TemporaryNames } from "./atomic-file.ts";
import { BlobMover } from "./blob-mover.ts";
import type { Blobs } from "./blobs.ts";
import type { Bucket } from "./bucket.ts";
import { createBucketBlobs } from "./bucket-blobs.ts";
import { claimBucket } from "./bucket-claim.ts";
import { sweepBucket } from "./bucket-sweep.ts";
import { isOwnerGone } from "./process-owner.ts";
import type { StoreLayout } from "./store-layout.ts";

interface BucketSideDependencies {
  readonly bucket: Bucket;
  readonly layout: StoreLayout;
  readonly owner: string;
  readonly temporary: TemporaryNames;
  readonly log: Log;
}

/** What of a store lies in a bucket. */
export interface BucketSide extends AsyncDisposable {
  readonly blobs: Blobs;
  /**
   * Makes sure of the bucket, and goes on with what was on its way there. One that is away now is no hindrance.
   * @throws {FarmError} BucketRefused
   */
  begin(): Promise<void>;
  /** Deletes there what the folder no longer names. @throws {FarmError} BucketRefused, BucketUnavailable */
  sweep(nowMs: number): Promise<void>;
}

export function createBucketSide(dependencies: BucketSideDependencies): BucketSide {
  const { bucket, layout, owner, temporary, log } = dependencies;
  const mover = new BlobMover({ root: layout.root, folder: layout.outbox, owner, temporary, bucket, log });
  const claim = () => claimBucket(bucket, layout.bucketClaim, temporary);
  return {
    blobs: createBucketBlobs(bucket, mover),

    async begin() {
      try {
        await claim();
      } catch (error) {
        const { code, message } = FarmError.from(error);
        if (code !== "BucketUnavailable") throw error;
        log.error({ err: error, code }, message);
      }
      await mover.takeOver(isOwnerGone);
    },

    async sweep(nowMs) {
      // Whose it is may not have been known at the start, and may have changed since.
      await claim();
      await sweepBucket(bucket, layout.root, nowMs);
    },

    async [Symbol.asyncDispose]() {
      await mover[Symbol.asyncDispose]();
      bucket[Symbol.dispose]();
    },
  };
}
