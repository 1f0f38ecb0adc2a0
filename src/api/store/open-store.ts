import { join } from "node:path";
import type { Log } from "../../log/log.ts";
import type { Bucket } from "./bucket.ts";
import { FolderStore } from "./folder-store.ts";
import type { S3Settings } from "./s3-bucket.ts";
import type { Store } from "./store.ts";

interface StoreSettings {
  readonly dataFolder: string;
  /** Where firmware, logs and artifacts go; undefined: they stay in the folder. */
  readonly s3: S3Settings | undefined;
}

/** The store that the settings name. @throws {FarmError} StoreFull, StoreUnavailable, BucketRefused */
export async function openStore({ dataFolder, s3 }: StoreSettings, log: Log): Promise<Store> {
  const bucket = s3 && (await openBucket(s3));
  return await FolderStore.open({
    folder: join(dataFolder, "store"),
    bucket: bucket && { bucket, log },
    onFault: (error) => log.error({ err: error }, "the store is behind in making verdicts safe"),
  });
}

/** The client is loaded only where there is a bucket. */
async function openBucket(settings: S3Settings): Promise<Bucket> {
  const { createS3Bucket } = await import("./s3-bucket.ts");
  return createS3Bucket(settings);
}
