import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type InstanceRecord, InstanceStore } from "../../../src/agent/instance/instance-store.ts";
import { temporaryFolder } from "../uart/socket-pair.ts";

/** A record as far as the store looks at it. */
const record = (uid: string, restarts: number) => ({ desired: { uid }, restarts }) as unknown as InstanceRecord;

async function restartsIn(folder: string, uid: string): Promise<number> {
  return JSON.parse(await readFile(join(folder, `${uid}.json`), "utf8")).restarts;
}

test("each save is on disk, or a newer one is, once it says so", async () => {
  await using folder = await temporaryFolder();
  const store = await InstanceStore.open(folder.path);
  const seen: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async (_, restarts) => {
      await store.save(record("one", restarts));
      seen[restarts] = await restartsIn(folder.path, "one");
    }),
  );
  for (const [restarts, found] of seen.entries()) expect(found).toBeGreaterThanOrEqual(restarts);
  expect(await restartsIn(folder.path, "one")).toBe(19);
});

test("what is saved again after a deletion stays, whatever waited before", async () => {
  await using folder = await temporaryFolder();
  const store = await InstanceStore.open(folder.path);
  await Promise.all([
    store.save(record("other", 1)),
    store.save(record("one", 1)),
    store.delete("one"),
    store.save(record("one", 2)),
    store.delete("other"),
  ]);
  expect(await readdir(folder.path)).toEqual(["one.json"]);
  expect(await restartsIn(folder.path, "one")).toBe(2);
});
