import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SnapshotStore } from "../../../src/agent/snapshot/snapshot-store.ts";
import { createLog } from "../../../src/log/log.ts";

const STATE = Buffer.alloc(4096, "state");
const wanted = new AbortController().signal;

async function lab(limitBytes = 1024 * 1024) {
  const folder = await mkdtemp(join(tmpdir(), "snapshots-"));
  const log = createLog({ name: "test", level: "silent" });
  let made = 0;
  return {
    folder,
    /** How many were made. */
    get made() {
      return made;
    },
    open: () => SnapshotStore.open({ folder, limitBytes, log }),
    async make(work: string) {
      made += 1;
      await writeFile(join(work, "state"), STATE);
      await writeFile(join(work, "ram"), STATE);
      return { outputs: new Map([["uart0", Buffer.from("said\xff", "latin1")]]) };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

test("a snapshot is made once, whoever asks at the same time, and is there after a restart", async () => {
  await using it = await lab();
  const store = await it.open();
  const [first, second] = await Promise.all([store.get("a", it.make, wanted), store.get("a", it.make, wanted)]);
  expect(first).toBe(second);
  const again = await (await it.open()).get("a", it.make, wanted);
  expect(it.made).toBe(1);
  expect(readFileSync(again.state)).toEqual(STATE);
  expect(again.outputs.get("uart0")).toEqual(Buffer.from("said\xff", "latin1"));
});

test.each<[string, (folder: string) => void]>([
  ["truncated", (folder) => truncateSync(join(folder, "state"), 100)],
  ["changed", (folder) => writeFileSync(join(folder, "state"), Buffer.alloc(4096, "other"))],
  ["without its memory", (folder) => truncateSync(join(folder, "ram"), 1)],
  ["without its record's end", (folder) => truncateSync(join(folder, "snapshot.json"), 10)],
  [
    "of another guest",
    (folder) => {
      const path = join(folder, "snapshot.json");
      writeFileSync(path, readFileSync(path, "utf8").replace('"key":"a"', '"key":"b"'));
    },
  ],
])("a stored snapshot that is %s is not used, and made anew", async (_, damage) => {
  await using it = await lab();
  await (await it.open()).get("a", it.make, wanted);
  const folder = join(it.folder, "a");
  for (const name of readdirSync(folder)) await chmod(join(folder, name), 0o644);
  damage(folder);
  const { state } = await (await it.open()).get("a", it.make, wanted);
  expect(it.made).toBe(2);
  expect(readFileSync(state)).toEqual(STATE);
});

test("where making fails, the one who made it learns why, and the next one tries for himself", async () => {
  await using it = await lab();
  const store = await it.open();
  const failed = store.get("a", () => Promise.reject(new Error("the disk is full")), wanted);
  const next = store.get("a", it.make, wanted);
  await expect(failed).rejects.toThrow("the disk is full");
  expect((await next).outputs.size).toBe(1);
  expect(readdirSync(it.folder)).toEqual(["a"]);
});

test("what was used longest ago goes first when there is no room", async () => {
  await using it = await lab(30 * 1024);
  const store = await it.open();
  for (const key of ["a", "b", "c", "d"]) await store.get(key, it.make, wanted);
  expect(existsSync(join(it.folder, "a"))).toBe(false);
  expect(existsSync(join(it.folder, "d"))).toBe(true);
  await store.get("a", it.make, wanted);
  expect(it.made).toBe(5);
});

test("who no longer wants a snapshot waits for nobody's, and makes none", async () => {
  await using it = await lab();
  const store = await it.open();
  const made = Promise.withResolvers<never>();
  made.promise.catch(() => {});
  const first = store.get("a", () => made.promise, wanted);
  const left = new AbortController();
  const second = store.get("a", it.make, left.signal);
  left.abort(new Error("cancelled"));
  await expect(second).rejects.toThrow("cancelled");
  made.reject(new Error("it never became ready"));
  await expect(first).rejects.toThrow("it never became ready");
  await expect(store.get("a", it.make, left.signal)).rejects.toThrow("cancelled");
  expect(it.made).toBe(0);
});
