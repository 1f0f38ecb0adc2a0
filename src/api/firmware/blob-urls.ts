import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { link, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";

/** URLs that let an agent fetch one blob for a while, without a token. */
export interface BlobUrls {
  sign(sha256: string, expiresMs: number): string;
  /** @throws {FarmError} Forbidden */
  check(sha256: string, expiresMs: number, signature: string, nowMs: number): void;
}

const KEY_BYTES = 32;
const MAX_SIGNED = 1_000;
/** Longer than any attempt waits for its firmware, and than a clock is set wrong. */
export const BLOB_URL_LIFE_MS = 24 * 3_600_000;

/** @param options.publicUrl asked anew for each URL: the port of the API may be known late */
export function createBlobUrls({ key, publicUrl }: { key: Buffer; publicUrl: () => string }): BlobUrls {
  const mac = (sha256: string, expiresMs: number) =>
    createHmac("sha256", key).update(`${sha256}.${expiresMs}`).digest("hex");
  return {
    sign(sha256, expiresMs) {
      const query = `expires=${expiresMs}&signature=${mac(sha256, expiresMs)}`;
      return `${publicUrl().replace(/\/$/, "")}/v1/blobs/${sha256}?${query}`;
    },
    check(sha256, expiresMs, signature, nowMs) {
      const expected = Buffer.from(mac(sha256, expiresMs));
      const given = Buffer.from(signature);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
        throw new FarmError("Forbidden", { problem: "the URL's signature is not the farm's" });
      }
      if (nowMs > expiresMs) throw new FarmError("Forbidden", { problem: "the URL has expired" });
    },
  };
}

/** Signed URLs for those who hand out the same blobs again and again: a signature costs more than all else of it. */
export function createBlobUrlSource(blobs: BlobUrls, lifeMs: number, clock: () => number): (sha256: string) => string {
  const signed = new Map<string, { readonly url: string; readonly goodUntilMs: number }>();
  return (sha256) => {
    const nowMs = clock();
    const known = signed.get(sha256);
    // By the wall clock, as the expiry: one that is set back makes a new URL, too.
    if (known && nowMs < known.goodUntilMs && nowMs > known.goodUntilMs - lifeMs) return known.url;
    const url = blobs.sign(sha256, nowMs + 2 * lifeMs);
    if (signed.size >= MAX_SIGNED) signed.clear();
    signed.set(sha256, { url, goodUntilMs: nowMs + lifeMs });
    return url;
  };
}

/** The key that API and dispatcher share: a file in the data folder, made by whichever is first. */
export async function loadBlobKey(dataFolder: string): Promise<Buffer> {
  const path = join(dataFolder, "blob.key");
  const part = `${path}.${process.pid}`;
  // Flushed: a loss of power must not leave an empty key, by which anybody could sign.
  await writeFile(part, randomBytes(KEY_BYTES), { mode: 0o600, flush: true });
  try {
    await link(part, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await unlink(part);
  }
  const key = await readFile(path);
  if (key.length === KEY_BYTES) return key;
  const detail = `${path} has ${key.length} bytes, not ${KEY_BYTES}; delete it and start again`;
  throw new FarmError("StoreUnavailable", { detail });
}
