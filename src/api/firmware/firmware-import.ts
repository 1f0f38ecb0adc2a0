import type { Readable } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import { type FirmwareFacts, HEAD_BYTES, readFirmwareFacts, TAIL_BYTES } from "../../core/firmware/firmware-facts.ts";
import type { FirmwareRecord } from "../../core/wire/farm.ts";
import type { Store } from "../store/store.ts";

/** Images whose facts are kept in memory: more than any run has. */
const CACHED_FACTS = 5_000;

/** Takes firmware in, and tells what it is. */
export interface FirmwareImport {
  /** @throws {FarmError} DigestMismatch, BodyTooLarge, FirmwareEmpty, StoreFull */
  receive(bytes: Readable, expectedSha256?: string): Promise<FirmwareRecord>;
  find(sha256: string): Promise<FirmwareRecord | undefined>;
  /** @throws {FarmError} FirmwareUnknown */
  readFacts(sha256: string): Promise<FirmwareFacts>;
}

export function createFirmwareImport(store: Store): FirmwareImport {
  const cache = new Map<string, FirmwareFacts>();

  async function readFacts(sha256: string): Promise<FirmwareFacts> {
    // Also tells the retention that the image is in use.
    if (!(await store.hasFirmware(sha256))) {
      cache.delete(sha256);
      throw new FarmError("FirmwareUnknown", { sha256 });
    }
    const cached = cache.get(sha256);
    if (cached) return cached;
    const opened = await store.openFirmware(sha256);
    if (!opened) throw new FarmError("FirmwareUnknown", { sha256 });
    const { head, tail } = await sample(opened.bytes);
    const facts = readFirmwareFacts({ head, tail, sizeBytes: opened.sizeBytes });
    cache.set(sha256, facts);
    if (cache.size > CACHED_FACTS) cache.delete(cache.keys().next().value ?? "");
    return facts;
  }

  return {
    readFacts,
    receive: (bytes, expectedSha256) => store.putFirmware(bytes, expectedSha256),
    async find(sha256) {
      if (!(await store.hasFirmware(sha256))) return undefined;
      const { sizeBytes } = await readFacts(sha256);
      return { sha256, sizeBytes, isNew: false };
    },
  };
}

/** The first and the last bytes of a stream. */
async function sample(bytes: Readable): Promise<{ head: Buffer; tail: Buffer }> {
  let head: Buffer = Buffer.alloc(0);
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)]);
    tail =
      chunk.length >= TAIL_BYTES ? chunk.subarray(-TAIL_BYTES) : Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
  }
  return { head, tail };
}
