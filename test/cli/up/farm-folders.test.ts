import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FarmFolders } from "../../../src/cli/folders.ts";
import { makeFarmFolders } from "../../../src/cli/up/farm-folders.ts";

const uid = process.getuid?.() ?? 0;
let folder: string;
let folders: FarmFolders;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "folders-"));
  const runtimeBase = join(folder, "run");
  folders = { data: join(folder, "data"), cache: join(folder, "cache"), runtimeBase, runtime: join(runtimeBase, "a") };
});

afterEach(() => rm(folder, { recursive: true }));

describe("the folders of a farm on one machine", () => {
  it("are made, and found again", async () => {
    for (const _time of [1, 2]) await makeFarmFolders(folders, uid);
    for (const made of [folders.data, folders.cache, folders.runtime, join(folders.data, "store")]) {
      expect((await stat(made)).isDirectory()).toBe(true);
    }
  });

  it.each([
    ["data", "data", "--data or EMUFARM_DATA"],
    ["what is in the data folder", "data/store", "--data or EMUFARM_DATA"],
    ["cache", "cache", "EMUFARM_CACHE"],
    ["runtime", "run", "EMUFARM_RUNTIME_DIR"],
  ])("%s: a file in its place is told, with what chooses another", async (_what, name, choice) => {
    await makeFarmFolders(folders, uid);
    const taken = join(folder, name);
    await rm(taken, { recursive: true });
    await writeFile(taken, "");
    const refusal = { code: "InvalidRequest", message: expect.stringContaining("a file is in its place") };
    await expect(makeFarmFolders(folders, uid)).rejects.toMatchObject(refusal);
    await expect(makeFarmFolders(folders, uid)).rejects.toThrow(taken);
    await expect(makeFarmFolders(folders, uid)).rejects.toThrow(choice);
  });
});
