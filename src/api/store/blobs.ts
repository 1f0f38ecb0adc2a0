import { open, readdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { discard } from "./atomic-file.ts";
import { isMissing } from "./store-fault.ts";

/** A blob that is being read. */
export interface OpenBlob {
  /** Of the whole blob, wherever the reading begins. */
  readonly sizeBytes: number;
  readonly bytes: Readable;
}

/** A blob as the retention sees it. */
export interface BlobFact {
  readonly name: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
}

/**
 * Firmware, long logs and artifacts: written once, whole, and named by their path in the store's folder, wherever their
 * bytes are.
 */
export interface Blobs {
  /** Has `put` put a whole file in its place, to which it belongs from then on. What `put` throws is passed on. */
  place(path: string, put: () => Promise<void>): Promise<void>;
  /** Undefined where there is none. */
  open(path: string, offset?: number): Promise<OpenBlob | undefined>;
  /** Marks one as used just now; false where there is none. */
  touch(path: string): Promise<boolean>;
  /** One that is not there is fine. */
  delete(path: string): Promise<void>;
  /** The blobs right in a folder. */
  list(folder: string): Promise<BlobFact[]>;
  /** The path of the blob that a file of the store's folder stands for, or its own. */
  pathOf(file: string): string;
  /** Bytes of the blob, or of another file of the store's folder; 0 where there is none. */
  sizeOf(path: string): Promise<number>;
}

/** Blobs as files in their places. */
export function createFileBlobs(): Blobs {
  return {
    place: (_path, put) => put(),

    async open(path, offset = 0) {
      try {
        const handle = await open(path, "r");
        const { size } = await handle.stat();
        return { sizeBytes: size, bytes: handle.createReadStream({ start: offset }) };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },

    async touch(path) {
      try {
        const now = new Date();
        await utimes(path, now, now);
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    },

    delete: discard,

    async list(folder) {
      const facts: BlobFact[] = [];
      for (const name of await readdir(folder)) {
        try {
          const { size, mtimeMs } = await stat(join(folder, name));
          facts.push({ name, sizeBytes: size, usedMs: mtimeMs });
        } catch (error) {
          // It has been deleted since, or moved to where it shall be: who lists next sees which.
          if (!isMissing(error)) throw error;
        }
      }
      return facts;
    },

    pathOf: (file) => file,

    async sizeOf(path) {
      try {
        return (await stat(path)).size;
      } catch (error) {
        if (isMissing(error)) return 0;
        throw error;
      }
    },
  };
}
