import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createBlobUrls, loadBlobKey } from "../../../src/api/firmware/blob-urls.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "key-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("api and dispatcher have one key, whichever makes it", async () => {
  const [one, other] = [await loadBlobKey(folder), await loadBlobKey(folder)];
  expect(one).toEqual(other);
  expect(await readdir(folder)).toEqual(["blob.key"]);
});

test("a key that was cut short signs nothing", async () => {
  await writeFile(join(folder, "blob.key"), "");
  await expect(loadBlobKey(folder)).rejects.toMatchObject({ code: "StoreUnavailable" });
});

test("a URL is good for its blob until it expires", async () => {
  const urls = createBlobUrls({ key: await loadBlobKey(folder), publicUrl: () => "http://localhost:1" });
  const query = new URL(urls.sign("a".repeat(64), 1_000)).searchParams;
  const signature = query.get("signature") ?? "";
  urls.check("a".repeat(64), 1_000, signature, 1_000);
  for (const [sha256, expiresMs, nowMs] of [
    ["b".repeat(64), 1_000, 1_000],
    ["a".repeat(64), 2_000, 1_000],
    ["a".repeat(64), 1_000, 1_001],
  ] as const) {
    expect(() => urls.check(sha256, expiresMs, signature, nowMs)).toThrow(
      expect.objectContaining({ code: "Forbidden" }),
    );
  }
});
