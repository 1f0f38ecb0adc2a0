import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { FolderStore } from "../../../src/api/store/folder-store.ts";
import { guardStore } from "../../../src/api/store/store-fault.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { canMount, mountSmallDisk } from "../../faults/small-disk.ts";
import { aRun, aVerdict } from "../../gen/run.ts";
import { describeStore } from "./store-conformance.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

const failOnFault = (error: unknown) => {
  throw error;
};
const openStore = (folder: string) => FolderStore.open({ folder, onFault: failOnFault });

describeStore("the folder store", async () => {
  const folder = await createTemporaryFolder();
  const store = await openStore(folder.path);
  return {
    store,
    openAnother: () => openStore(folder.path),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
});

describe("a killed process", () => {
  const writer = fileURLToPath(new URL("./store-writer.ts", import.meta.url));

  test("leaves a readable store, every told verdict in it once, and no temporary file", async () => {
    await using folder = await createTemporaryFolder();
    const run = aRun({ jobCount: 100_000 });
    const told = new Set<string>();
    {
      await using store = await openStore(folder.path);
      await store.createRun(run);
    }
    let first = 0;
    for (let kill = 0; kill < 5; kill += 1) {
      const child = spawn(process.execPath, [writer, folder.path, run.id, String(first)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      // Killed after a number of verdicts that differs each time: in the midst of the next ones.
      const killAfter = 50 + kill * 37;
      let count = 0;
      for await (const jobId of createInterface({ input: child.stdout })) {
        told.add(jobId);
        count += 1;
        if (count === killAfter) child.kill("SIGKILL");
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      first = told.size;
    }
    await using store = await openStore(folder.path);
    const found = new Set<string>();
    for await (const verdict of store.listVerdicts(run.id)) {
      expect(found.has(verdict.jobId)).toBe(false);
      expect(verdict.result?.timings.totalMs).toBe(100);
      found.add(verdict.jobId);
    }
    expect([...told].filter((jobId) => !found.has(jobId))).toEqual([]);
    expect(await readdir(join(folder.path, "tmp"))).toEqual([]);
    expect(await store.createVerdict(aVerdict([...told][0] ?? ""))).toBe("exists");
  });

  test("between a run and its key leaves the run with its key", async () => {
    await using folder = await createTemporaryFolder();
    const run = aRun({ key: "once" });
    {
      await using store = await openStore(folder.path);
      await store.createRun(run);
    }
    await rm(join(folder.path, "keys"), { recursive: true });
    await using store = await openStore(folder.path);
    expect((await store.readRunHead(run.id))?.id).toBe(run.id);
    expect(await store.createRun(aRun({ key: "once" }))).toMatchObject({ run, isNew: false });
  });
});

describe("loss of power", () => {
  test("takes no verdict that was committed: what the disk lost is made good from the journal", async () => {
    await using folder = await createTemporaryFolder();
    const run = aRun({ jobCount: 3 });
    const shard = join(folder.path, "results", run.id, "000");
    const log = { jobId: jobIdOf(run.id, 2), attempt: 1, uart: "uart0" };
    {
      await using store = await openStore(folder.path);
      await store.createRun(run);
      await store.createVerdict(aVerdict(jobIdOf(run.id, 0)));
      await store.createVerdict(aVerdict(jobIdOf(run.id, 1)));
      await store.writeLog(log, Buffer.from("a short log"));
    }
    // What a file system may leave of files that were never synced: none, an empty one, one of zeros.
    await rm(join(shard, "000000"));
    await truncate(join(shard, "000001"), 0);
    await writeFile(join(shard, "000002.1.uart0"), Buffer.alloc(11));
    await asOfAnotherProcess(folder.path);

    await using store = await openStore(folder.path);
    expect(await store.readVerdict(jobIdOf(run.id, 0))).toEqual(aVerdict(jobIdOf(run.id, 0)));
    expect(await store.readVerdict(jobIdOf(run.id, 1))).toEqual(aVerdict(jobIdOf(run.id, 1)));
    const stream = await store.openLog(log);
    expect(stream && (await buffer(stream)).toString()).toBe("a short log");
  });

  test("takes a run with it that was not yet durable, and leaves its key to the next", async () => {
    await using folder = await createTemporaryFolder();
    const [torn, empty, kept] = [aRun({ key: "once", jobCount: 100 }), aRun(), aRun()];
    {
      await using store = await openStore(folder.path);
      for (const run of [torn, empty, kept]) await (await store.createRun(run)).durable;
    }
    await truncate(join(folder.path, "runs", torn.id), 4_096);
    await truncate(join(folder.path, "runs", empty.id), 0);

    await using store = await openStore(folder.path);
    expect((await store.listRuns({ limit: 9 })).map(({ id }) => id)).toEqual([kept.id]);
    expect(await store.readRun(torn.id)).toBeUndefined();
    const again = aRun({ key: "once" });
    expect(await store.createRun(again)).toMatchObject({ run: again, isNew: true });
  });

  test("lets a job run again whose verdict was not yet committed", async () => {
    await using folder = await createTemporaryFolder();
    const run = aRun();
    {
      await using store = await openStore(folder.path);
      await store.createRun(run);
      await store.createVerdict(aVerdict(jobIdOf(run.id, 0)));
    }
    await truncate(join(folder.path, "results", run.id, "000", "000000"), 0);
    await rm(join(folder.path, "journal"), { recursive: true });
    await using store = await openStore(folder.path);
    expect(await store.listUnfinishedRuns()).toEqual([run.id]);
    expect(await store.createVerdict(aVerdict(jobIdOf(run.id, 0)))).toBe("created");
  });

  /** Renames the journal's segments as if their process had gone. */
  async function asOfAnotherProcess(folder: string): Promise<void> {
    const journal = join(folder, "journal");
    for (const name of await readdir(journal)) {
      await writeFile(join(journal, name.replace(/^\d+-/, "999999999-")), await readFile(join(journal, name)));
      await rm(join(journal, name));
    }
  }
});

test("leftovers of processes that are gone are removed, those of living ones are not", async () => {
  await using folder = await createTemporaryFolder();
  await mkdir(join(folder.path, "tmp"), { recursive: true });
  await writeFile(join(folder.path, "tmp", "999999999-1-abcd-1"), "half");
  await using first = await openStore(folder.path);
  const upload = first.putFirmware(
    Readable.from(
      (async function* () {
        yield Buffer.from("half ");
        await using _second = await openStore(folder.path);
        expect((await readdir(join(folder.path, "tmp"))).length).toBe(1);
        yield Buffer.from("whole");
      })(),
    ),
  );
  expect((await upload).sizeBytes).toBe(10);
  expect(await readdir(join(folder.path, "tmp"))).toEqual([]);
});

test("firmware over the limit is refused and leaves nothing", async () => {
  await using folder = await createTemporaryFolder();
  await using store = await FolderStore.open({ folder: folder.path, maxFirmwareBytes: 10, onFault: failOnFault });
  await expect(store.putFirmware(Readable.from([Buffer.alloc(11)]))).rejects.toMatchObject({ code: "BodyTooLarge" });
  expect(await readdir(join(folder.path, "tmp"))).toEqual([]);
});

test("an id that could name another place is refused", async () => {
  await using folder = await createTemporaryFolder();
  await using store = await openStore(folder.path);
  await expect(store.readRun("../../etc/passwd")).rejects.toThrow("not an id");
});

describe("a full data folder", () => {
  test("is told as StoreFull, by whatever is written", async () => {
    const write = () => writeFile("/dev/full", "more");
    await expect(guardStore("/data", write)).rejects.toMatchObject({
      code: "StoreFull",
      message: expect.stringContaining("/data is full"),
    });
  });

  test("leaves what is there readable, and goes on once there is room", async ({ skip }) => {
    skip(!canMount(), "a disk that can be filled takes root, which may mount");
    await using folder = await createTemporaryFolder();
    await using disk = await mountSmallDisk(folder.path, 1);
    const faults: unknown[] = [];
    await using store = await FolderStore.open({ folder: folder.path, onFault: (error) => faults.push(error) });
    const run = aRun({ jobCount: 1_000 });
    await store.createRun(run);
    await store.createVerdict(aVerdict(jobIdOf(run.id, 0)));
    const full = { code: "StoreFull", message: expect.stringContaining(folder.path) };
    await expect(store.putFirmware(Readable.from([Buffer.alloc(2_000_000)]))).rejects.toMatchObject(full);
    await disk.fill();
    await expect(fillWith(store, run.id)).rejects.toMatchObject(full);
    await expect(store.createRun(aRun({ jobCount: 1_000 }))).rejects.toMatchObject(full);
    expect(await readdir(join(folder.path, "tmp"))).toEqual([]);
    expect(await store.readVerdict(jobIdOf(run.id, 0))).toEqual(aVerdict(jobIdOf(run.id, 0)));
    expect((await store.listRuns({ limit: 10 })).map(({ id }) => id)).toEqual([run.id]);

    await disk.free();
    expect(await store.createVerdict(aVerdict(jobIdOf(run.id, 999)))).toBe("created");
  });

  async function fillWith(store: FolderStore, runId: string): Promise<void> {
    for (let index = 1; index < 999; index += 1) await store.createVerdict(aVerdict(jobIdOf(runId, index)));
  }
});
