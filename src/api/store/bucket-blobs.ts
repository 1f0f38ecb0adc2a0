import { createHash } from "node:crypto";
import { join } from "node:path";
import { Readable } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import { discard } from "./atomic-file.ts";
import { type BlobEntry, blobPathOf, entryPathOf, readEntry } from "./blob-entry.ts";
import type { BlobMover } from "./blob-mover.ts";
import { type BlobFact, type Blobs, createFileBlobs } from "./blobs.ts";
import type { Bucket } from "./bucket.ts";

/** Blobs in a bucket: an entry in the place of each, or still the file where it is on its way. */
export function createBucketBlobs(bucket: Bucket, mover: BlobMover): Blobs {
  const files = createFileBlobs();
  return {
    place: (path, put) => mover.place(path, put),

    async open(path, offset = 0) {
      // The entry is there before the file goes: looked for in this order, one of them is found.
      const file = await files.open(path, offset);
      if (file) return file;
      const entry = await readEntry(path);
      if (!entry) return undefined;
      const { sizeBytes } = entry;
      if (offset >= sizeBytes) return { sizeBytes, bytes: Readable.from([]) };
      const bytes = await bucket.open(entry.key, offset);
      if (!bytes) throw damaged(bucket, entry, "it is gone");
      return { sizeBytes, bytes: Readable.from(checked(bucket, bytes, entry, offset), { objectMode: false }) };
    },

    async touch(path) {
      return (await files.touch(path)) || (await files.touch(entryPathOf(path)));
    },

    async delete(path) {
      await discard(path);
      await discard(entryPathOf(path));
    },

    async list(folder) {
      const facts = new Map<string, BlobFact>();
      for (const fact of await files.list(folder)) {
        const name = blobPathOf(fact.name);
        if (name === undefined) facts.set(fact.name, fact);
        else facts.set(name, { ...fact, name, sizeBytes: await sizeOfEntry(join(folder, name)) });
      }
      return [...facts.values()];
    },

    pathOf: (file) => blobPathOf(file) ?? file,

    async sizeOf(path) {
      // In this order one of them is found, and only one is counted, while the blob is on its way.
      return (await files.sizeOf(path)) || (await sizeOfEntry(path));
    },
  };
}

async function sizeOfEntry(blobPath: string): Promise<number> {
  return (await readEntry(blobPath))?.sizeBytes ?? 0;
}

/** Passes an object's bytes on. The last of them come only once all of them are known to be those that were stored. */
async function* checked(bucket: Bucket, bytes: Readable, entry: BlobEntry, offset: number): AsyncIterable<Buffer> {
  const hash = createHash("sha256");
  let position = offset;
  let last: Buffer | undefined;
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      hash.update(chunk);
      position += chunk.length;
      if (last) yield last;
      last = chunk;
    }
  } catch (cause) {
    const detail = `the connection ended at byte ${position} of ${entry.sizeBytes}: ${(cause as Error).message}`;
    throw new FarmError("BucketUnavailable", { place: bucket.place, detail }, { cause });
  }
  if (position !== entry.sizeBytes) {
    throw damaged(bucket, entry, `it has ${position} bytes, not ${entry.sizeBytes}`);
  }
  // What begins in the middle has no digest that is known.
  const sha256 = hash.digest("hex");
  if (offset === 0 && sha256 !== entry.sha256) {
    throw damaged(bucket, entry, `its bytes have SHA-256 ${sha256}, not ${entry.sha256}`);
  }
  if (last) yield last;
}

function damaged({ place }: Bucket, { key }: BlobEntry, problem: string): FarmError {
  return new FarmError("StoredBytesDamaged", { key, place, problem });
}
