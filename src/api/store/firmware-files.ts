import { createHash } from "node:crypto";
import { link, mkdir, open, readdir, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import type { FirmwareRecord } from "../../core/wire/farm.ts";
import { discard, syncFolder, type TemporaryNames } from "./atomic-file.ts";
import { isMissing, isPresent } from "./store-fault.ts";
import type { StoreLayout } from "./store-layout.ts";

interface StoredFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
}

interface FirmwareFilesDependencies {
  readonly layout: StoreLayout;
  readonly temporary: TemporaryNames;
  readonly maxBytes: number;
}

/** Firmware of a folder store: a file each, under the digest of its bytes. */
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
  async has(sha256: string): Promise<boolean> {
    try {
      const now = new Date();
      await utimes(this.#dependencies.layout.firmwareFile(sha256), now, now);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async open(sha256: string): Promise<{ sizeBytes: number; bytes: Readable } | undefined> {
    try {
      const handle = await open(this.#dependencies.layout.firmwareFile(sha256), "r");
      const { size } = await handle.stat();
      return { sizeBytes: size, bytes: handle.createReadStream() };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async list(): Promise<StoredFile[]> {
    const { firmware } = this.#dependencies.layout;
    const files: StoredFile[] = [];
    for (const folder of await readdir(firmware)) {
      for (const sha256 of await readdir(join(firmware, folder))) {
        const { size, mtimeMs } = await stat(join(firmware, folder, sha256));
        files.push({ sha256, sizeBytes: size, usedMs: mtimeMs });
      }
    }
    return files;
  }

  async delete(sha256: string): Promise<void> {
    await discard(this.#dependencies.layout.firmwareFile(sha256));
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
    const path = this.#dependencies.layout.firmwareFile(sha256);
    await mkdir(dirname(path), { recursive: true });
    try {
      await link(part, path);
    } catch (error) {
      if (!isPresent(error)) throw error;
      await this.has(sha256);
      return false;
    }
    await syncFolder(dirname(path));
    return true;
  }
}
