import { createHash } from "node:crypto";
import { link, mkdir, open, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import type { FirmwareRecord } from "../../core/wire/farm.ts";
import { discard, syncToDisk, type TemporaryNames } from "./atomic-file.ts";
import type { Blobs, OpenBlob } from "./blobs.ts";
import { isPresent } from "./store-fault.ts";
import type { StoreLayout } from "./store-layout.ts";

interface StoredFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
}

interface FirmwareFilesDependencies {
  readonly layout: StoreLayout;
  readonly temporary: TemporaryNames;
  readonly blobs: Blobs;
  readonly maxBytes: number;
}

/** Firmware of a folder store: a blob each, under the digest of its bytes. */
export class FirmwareFiles {
  readonly #dependencies: FirmwareFilesDependencies;

  constructor(dependencies: FirmwareFilesDependencies) {
    this.#dependencies = dependencies;
  }

  async put(bytes: Readable, expectedSha256?: string): Promise<FirmwareRecord> {
    const part = this.#dependencies.temporary.next();
    try {
      const { sha256, sizeBytes } = await this.#receive(bytes, part);
      if (expectedSha256 !== undefined && sha256 !== expectedSha256) {
        throw new FarmError("DigestMismatch", { actual: sha256, expected: expectedSha256 });
      }
      return { sha256, sizeBytes, isNew: await this.#place(part, sha256) };
    } finally {
      await discard(part);
    }
  }

  /** Whether it is there; if so, the retention takes it for used just now. */
  has(sha256: string): Promise<boolean> {
    return this.#dependencies.blobs.touch(this.#dependencies.layout.firmwareFile(sha256));
  }

  /** What is found to be damaged is forgotten, so that whoever has it uploads it again. */
  async open(sha256: string): Promise<OpenBlob | undefined> {
    try {
      const blob = await this.#dependencies.blobs.open(this.#dependencies.layout.firmwareFile(sha256));
      blob?.bytes.once("error", (error) => {
        // The next reader finds the same, where it could not be forgotten.
        if (isDamage(error)) this.delete(sha256).catch(() => undefined);
      });
      return blob;
    } catch (error) {
      if (!isDamage(error)) throw error;
      await this.delete(sha256);
      return undefined;
    }
  }

  async list(): Promise<StoredFile[]> {
    const { layout, blobs } = this.#dependencies;
    const files: StoredFile[] = [];
    for (const folder of await readdir(layout.firmware)) {
      for (const { name, ...fact } of await blobs.list(join(layout.firmware, folder))) {
        files.push({ sha256: name, ...fact });
      }
    }
    return files;
  }

  delete(sha256: string): Promise<void> {
    return this.#dependencies.blobs.delete(this.#dependencies.layout.firmwareFile(sha256));
  }

  async #receive(bytes: Readable, part: string): Promise<{ sha256: string; sizeBytes: number }> {
    const { maxBytes } = this.#dependencies;
    const hash = createHash("sha256");
    let sizeBytes = 0;
    // Opened first: a stream that fails while it still opens its file makes it after it has been removed.
    const file = await open(part, "w");
    await pipeline(
      bytes,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          sizeBytes += chunk.length;
          if (sizeBytes > maxBytes) throw new FarmError("BodyTooLarge", { limitBytes: maxBytes });
          hash.update(chunk);
          yield chunk;
        }
      },
      file.createWriteStream({ flush: true }),
    );
    return { sha256: hash.digest("hex"), sizeBytes };
  }

  async #place(part: string, sha256: string): Promise<boolean> {
    const { layout, blobs } = this.#dependencies;
    const path = layout.firmwareFile(sha256);
    if (await this.has(sha256)) return false;
    await mkdir(dirname(path), { recursive: true });
    try {
      await blobs.place(path, () => link(part, path));
    } catch (error) {
      if (!isPresent(error)) throw error;
      await this.has(sha256);
      return false;
    }
    await syncToDisk(dirname(path));
    return true;
  }
}

const isDamage = (error: unknown): boolean => FarmError.from(error).code === "StoredBytesDamaged";
