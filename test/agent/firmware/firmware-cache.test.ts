import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FirmwareCache } from "../../../src/agent/firmware/firmware-cache.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fw-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const openCache = (limitBytes = 1_000) => FirmwareCache.open({ folder, limitBytes });
const image = (fill: string, bytes = 300) => Buffer.alloc(bytes, fill);
const digestOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const put = (cache: FirmwareCache, bytes: Buffer, sha256 = digestOf(bytes)) =>
  cache.put(sha256, Readable.from([bytes.subarray(0, 10), bytes.subarray(10)]));

test("what was put is there, readable by everybody and writable by nobody, and not put twice", async () => {
  const cache = await openCache();
  const bytes = image("a");
  expect(await put(cache, bytes)).toBe(true);
  expect(await put(cache, bytes)).toBe(false);
  expect(readFileSync(cache.pathOf(digestOf(bytes)))).toEqual(bytes);
  expect(statSync(cache.pathOf(digestOf(bytes))).mode & 0o777).toBe(0o444);
  expect(cache.bytes).toBe(300);
});

test("bytes of another digest or beyond the limit are refused and leave nothing", async () => {
  const cache = await openCache();
  await expect(put(cache, image("a"), "0".repeat(64))).rejects.toMatchObject({ code: "DigestMismatch" });
  await expect(put(cache, image("a", 1_001))).rejects.toMatchObject({ code: "BodyTooLarge" });
  expect(readdirSync(folder)).toEqual([]);
});

test("the longest unused goes first, and what is held stays", async () => {
  const cache = await openCache();
  const [held, oldest, used, fresh] = ["a", "b", "c", "d"].map((fill) => image(fill)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  for (const bytes of [held, oldest, used]) await put(cache, bytes);
  expect(cache.hold(digestOf(held))).toBe(true);
  cache.hold(digestOf(oldest));
  cache.release(digestOf(oldest));
  cache.hold(digestOf(used));
  cache.release(digestOf(used));
  await put(cache, fresh);
  expect([held, oldest, used, fresh].map((bytes) => cache.has(digestOf(bytes)))).toEqual([true, false, true, true]);
  expect(readdirSync(folder)).toHaveLength(3);
});

test("a restarted agent finds what was there, and removes what was half written", async () => {
  const bytes = image("a");
  await put(await openCache(), bytes);
  writeFileSync(join(folder, `${"1".repeat(64)}.0.part`), "half");
  const cache = await openCache();
  expect(cache.has(digestOf(bytes))).toBe(true);
  expect(readdirSync(folder)).toEqual([digestOf(bytes)]);
});
