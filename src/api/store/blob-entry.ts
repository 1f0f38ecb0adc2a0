import { readFile } from "node:fs/promises";
import { isMissing } from "./store-fault.ts";

/** Beside a blob's place, once its bytes are in the bucket; no blob's name has this sign. */
const SUFFIX = "@s3";

/** Where in the bucket the bytes of a blob are, and which. */
export interface BlobEntry {
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export const entryPathOf = (blobPath: string): string => `${blobPath}${SUFFIX}`;

/** The path or name of the blob that an entry is of; undefined for what is none. */
export function blobPathOf(entryPath: string): string | undefined {
  return entryPath.endsWith(SUFFIX) ? entryPath.slice(0, -SUFFIX.length) : undefined;
}

export async function readEntry(blobPath: string): Promise<BlobEntry | undefined> {
  try {
    return JSON.parse(await readFile(entryPathOf(blobPath), "utf8")) as BlobEntry;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
