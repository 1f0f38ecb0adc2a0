import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { FarmError } from "../../core/error/farm-error.ts";
import { createWhole, replaceWhole, type TemporaryNames } from "./atomic-file.ts";
import type { Bucket } from "./bucket.ts";
import { isMissing } from "./store-fault.ts";

/** The object that says whose everything beside it is. */
const MARK = "farm.json";

interface Claim {
  /** Id of the farm, made up once. */
  readonly farm: string;
  /** Where its blobs are, once it has had a bucket. */
  readonly place?: string;
}

/**
 * Makes sure that a bucket (or the part of it under the prefix) is this farm's: what nothing in its folder names is
 * deleted there, so that two farms in one place would delete each other's.
 *
 * @param path file of the store's folder that remembers it
 * @throws {FarmError} BucketRefused, BucketUnavailable
 */
export async function claimBucket(bucket: Bucket, path: string, temporary: TemporaryNames): Promise<void> {
  const own = (await readClaim(path)) ?? (await makeClaim(path, temporary));
  const mark = await bucket.open(MARK);
  const { place } = bucket;
  if (mark) {
    const { farm } = JSON.parse(await text(mark)) as Claim;
    if (farm !== own.farm) {
      const problem = `it belongs to another farm (${farm}). Give each farm a prefix of its own; where that farm is gone, delete its object ${MARK}`;
      throw new FarmError("BucketRefused", { place, problem });
    }
  } else {
    if (own.place !== undefined) {
      const problem = `nothing of this farm is there: its blobs are in ${own.place}. Name that again, or copy all objects from there first`;
      throw new FarmError("BucketRefused", { place, problem });
    }
    await bucket.putText(MARK, JSON.stringify({ farm: own.farm } satisfies Claim));
  }
  if (own.place !== place) await replaceWhole(path, JSON.stringify({ ...own, place }), temporary.next());
}

/** Refuses to open a store without the bucket that part of it lies in. @throws {FarmError} BucketRefused */
export async function refuseWithoutBucket(path: string): Promise<void> {
  const place = (await readClaim(path))?.place;
  if (place === undefined) return;
  const problem =
    "firmware, logs and artifacts of this farm are there, and the settings name no bucket (EMUFARM_STORE_S3_BUCKET). Name it again";
  throw new FarmError("BucketRefused", { place, problem });
}

async function readClaim(path: string): Promise<Claim | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Claim;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Of the farm's processes that start at the same time, one makes it up. */
async function makeClaim(path: string, temporary: TemporaryNames): Promise<Claim> {
  const claim: Claim = { farm: randomUUID() };
  const isOurs = await createWhole(path, JSON.stringify(claim), temporary.next(), { isDurable: true });
  return (isOurs ? undefined : await readClaim(path)) ?? claim;
}
