import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FolderStore } from "../../../src/api/store/folder-store.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { aRun, aVerdict } from "../../gen/run.ts";
import { firstLog, objectsIn, openBucketStore, putText, readFirmware, untilMoved } from "./bucket-farm.ts";
import { longLog } from "./long-log.ts";
import { noS3Server, type S3Server, startS3Server } from "./s3-server.ts";
import { describeStore } from "./store-conformance.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

const HOUR_MS = 3_600_000;
const NEVER = { maxAgeMs: Number.MAX_SAFE_INTEGER, maxBytes: Number.MAX_SAFE_INTEGER };
const reason = noS3Server();

describe.skipIf(reason)(`a store with a bucket${reason === undefined ? "" : ` (${reason})`}`, () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(async () => await server[Symbol.asyncDispose]());

  describeStore("is a store", async () => {
    const folder = await createTemporaryFolder();
    const settings = server.settingsOfOne();
    const store = await openBucketStore(folder.path, settings);
    return {
      store,
      openAnother: () => openBucketStore(folder.path, settings),
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  });

  test("firmware, long logs and artifacts go there whole, are read from there, and leave the folder", async () => {
    await using folder = await createTemporaryFolder();
    const settings = server.settingsOfOne();
    await using store = await openBucketStore(folder.path, settings);
    const run = aRun({ jobCount: 1 });
    const log = firstLog(run.id);
    const artifact = { jobId: log.jobId, attempt: 1, name: "screens/boot-1.png" };
    await store.createRun(run);
    const { sha256, isNew } = await putText(store, "firmware".repeat(50_000));
    expect(isNew).toBe(true);
    await store.writeLog(log, Readable.from([longLog(log.jobId)]));
    await store.writeArtifact(artifact, Readable.from([Buffer.alloc(100_000, 7)]));
    await untilMoved(folder.path);

    const files = (await readdir(folder.path, { recursive: true })).filter((name) => /^(firmware|results)/.test(name));
    const large = (await Promise.all(files.map((name) => stat(join(folder.path, name))))).filter(
      (found) => found.isFile() && found.size > 1_000,
    );
    expect(large).toEqual([]);
    const objects = await objectsIn(server.folder, settings.prefix);
    expect(objects.map((key) => key.slice(settings.prefix.length).replace(/[0-9a-f]{16}$/, "*"))).toEqual([
      "farm.json",
      `firmware/${sha256.slice(0, 2)}/${sha256}/*`,
      `results/${run.id}/000/000000.1.artifacts/screens%2Fboot-1.png/*`,
      `results/${run.id}/000/000000.1.uart0/*`,
    ]);

    await using other = await openBucketStore(folder.path, settings);
    for (const reader of [store, other]) {
      expect(await readFirmware(reader, sha256)).toBe("firmware".repeat(50_000));
      expect(await bytesOf(reader.openLog(log))).toEqual(longLog(log.jobId));
      expect(await bytesOf(reader.openLog(log, 20_000))).toEqual(longLog(log.jobId).subarray(20_000));
      expect(await bytesOf(reader.openLog(log, 10_000_000))).toEqual(Buffer.alloc(0));
      expect(await bytesOf(reader.openArtifact(artifact))).toEqual(Buffer.alloc(100_000, 7));
    }
    expect(await other.hasFirmware(sha256)).toBe(true);
    expect(await putText(other, "firmware".repeat(50_000))).toMatchObject({ sha256, isNew: false });
    expect(await objectsIn(server.folder, settings.prefix)).toEqual(objects);
  });

  test("a log that is written again is read as it was written last", async () => {
    await using folder = await createTemporaryFolder();
    await using store = await openBucketStore(folder.path, server.settingsOfOne());
    const log = firstLog(aRun().id);
    for (const text of ["cut off", "whole, this time"]) {
      await store.writeLog(log, Readable.from([Buffer.from(text)]));
      expect((await bytesOf(store.openLog(log)))?.toString()).toBe(text);
      await untilMoved(folder.path);
      expect((await bytesOf(store.openLog(log)))?.toString()).toBe(text);
    }
  });

  test("what a farm has stored before it had a bucket stays readable beside it", async () => {
    await using folder = await createTemporaryFolder();
    const log = firstLog(aRun().id);
    {
      await using before = await FolderStore.open({ folder: folder.path, onFault: () => {} });
      await before.writeLog(log, Readable.from([longLog("before")]));
    }
    await using store = await openBucketStore(folder.path, server.settingsOfOne());
    expect(await bytesOf(store.openLog(log))).toEqual(longLog("before"));
  });

  describe("the retention", () => {
    const later = () => Date.now() + 2 * HOUR_MS;

    test("deletes there what it deletes here, and counts its bytes", async () => {
      await using folder = await createTemporaryFolder();
      const settings = server.settingsOfOne();
      await using store = await openBucketStore(folder.path, settings);
      const { run, sha256 } = await storeRun(store);
      await untilMoved(folder.path);
      await store.applyRetention(NEVER, later());
      expect((await objectsIn(server.folder, settings.prefix)).length).toBe(3);

      const { deletedRuns, freedBytes } = await store.applyRetention({ ...NEVER, maxBytes: 1_000 }, later());
      expect(deletedRuns).toBe(1);
      expect(freedBytes).toBeGreaterThan(longLog(run.id).length);
      expect(await store.hasFirmware(sha256)).toBe(false);
      expect(await objectsIn(server.folder, settings.prefix)).toEqual([`${settings.prefix}farm.json`]);
    });

    test("leaves objects that have just come, what is not the store's, and other farms'", async () => {
      await using folder = await createTemporaryFolder();
      await using otherFolder = await createTemporaryFolder();
      const settings = server.settingsOfOne();
      const others = { ...settings, prefix: `${settings.prefix}firmware/` };
      await using store = await openBucketStore(folder.path, settings);
      await using other = await openBucketStore(otherFolder.path, others);
      await putText(other, "another farm's");
      await untilMoved(otherFolder.path);
      await putText(store, "this farm's");
      await untilMoved(folder.path);
      const all = await objectsIn(server.folder, settings.prefix);
      const [place = ""] = await objectsIn(server.folder, `${settings.prefix}firmware/`).then((found) =>
        found.filter((key) => !key.startsWith(others.prefix.concat("firmware/")) && !key.endsWith("farm.json")),
      );
      // As if the entry had not been written yet, and as if somebody had put something of his own there.
      const young = place.replace(/[0-9a-f]{16}$/, "0123456789abcdef");
      await writeFile(join(server.folder, young), "young");
      const foreign = `${settings.prefix}firmware/readme.txt`;
      await writeFile(join(server.folder, foreign), "not the farm's");

      await store.applyRetention(NEVER, Date.now());
      expect(await objectsIn(server.folder, settings.prefix)).toEqual([...all, young, foreign].sort());
      await store.applyRetention(NEVER, later());
      expect(await objectsIn(server.folder, settings.prefix)).toEqual([...all, foreign].sort());
    });
  });

  describe("an object that is not what was stored", () => {
    test.each<[string, (path: string) => Promise<void>]>([
      ["has other bytes", async (path) => await writeFile(path, (await readFile(path)).fill("x", 10, 20))],
      ["has fewer bytes", async (path) => await writeFile(path, (await readFile(path)).subarray(0, -1))],
      ["is gone", async (path) => await rm(path)],
    ])("and %s: the reader of a log is told, and never gets it whole", async (_what, damage) => {
      await using folder = await createTemporaryFolder();
      const settings = server.settingsOfOne();
      await using store = await openBucketStore(folder.path, settings);
      const { run } = await storeRun(store);
      await untilMoved(folder.path);
      const [object = ""] = await objectsIn(server.folder, `${settings.prefix}results/`);
      await damage(join(server.folder, object));
      await expect(bytesOf(store.openLog(firstLog(run.id)))).rejects.toMatchObject({
        code: "StoredBytesDamaged",
        message: expect.stringContaining(`results/${run.id}/000/000000.1.uart0/`),
      });
      expect(await store.readVerdict(jobIdOf(run.id, 0))).toBeDefined();
    });

    test.each<[string, (path: string) => Promise<void>]>([
      ["has other bytes", async (path) => await writeFile(path, "firmwarX")],
      ["is gone", async (path) => await rm(path)],
    ])("and %s: firmware is forgotten, and taken again", async (_what, damage) => {
      await using folder = await createTemporaryFolder();
      const settings = server.settingsOfOne();
      await using store = await openBucketStore(folder.path, settings);
      const { sha256 } = await putText(store, "firmware");
      await untilMoved(folder.path);
      const [object = ""] = await objectsIn(server.folder, `${settings.prefix}firmware/`);
      await damage(join(server.folder, object));
      const found = await readFirmware(store, sha256).catch(({ code }) => code);
      expect([undefined, "StoredBytesDamaged"]).toContain(found);
      await expect.poll(() => store.hasFirmware(sha256)).toBe(false);
      expect(await putText(store, "firmware")).toMatchObject({ sha256, isNew: true });
      expect(await readFirmware(store, sha256)).toBe("firmware");
      await untilMoved(folder.path);
      expect(await readFirmware(store, sha256)).toBe("firmware");
    });
  });

  /** A finished run of one job, with firmware and a long log. */
  async function storeRun(store: FolderStore) {
    const { sha256 } = await putText(store, "firmware ".repeat(1_000));
    const run = aRun({ digest: sha256 });
    await store.createRun(run);
    await store.writeLog(firstLog(run.id), Readable.from([longLog(run.id)]));
    await store.createVerdict(aVerdict(jobIdOf(run.id, 0)));
    return { run, sha256 };
  }
});

async function bytesOf(opening: Promise<Readable | undefined>): Promise<Buffer | undefined> {
  const stream = await opening;
  return stream && (await buffer(stream));
}
