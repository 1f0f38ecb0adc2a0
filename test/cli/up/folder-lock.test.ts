import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FolderLock } from "../../../src/cli/up/folder-lock.ts";
import { identifyProcess, isRunning } from "../../../src/cli/up/process-identity.ts";

let folder: string;
let file: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lock-"));
  file = join(folder, "lock");
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

async function sleeper(): Promise<ChildProcess & { pid: number }> {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  children.push(child);
  await once(child, "spawn");
  return child as ChildProcess & { pid: number };
}

describe("the lock of a data folder", () => {
  it("is refused while its holder runs, by the holder's pid", async () => {
    await using _held = await FolderLock.acquire(file, folder, process.pid);
    const other = await sleeper();
    await expect(FolderLock.acquire(file, folder, other.pid)).rejects.toMatchObject({
      code: "FolderInUse",
      details: { pid: process.pid, folder },
    });
  });

  it("leaves no file when it is given back", async () => {
    await (await FolderLock.acquire(file, folder, process.pid))[Symbol.asyncDispose]();
    expect(await readdir(folder)).toEqual([]);
  });

  it("is taken over from a holder that was killed", async () => {
    const killed = await sleeper();
    await FolderLock.acquire(file, folder, killed.pid);
    killed.kill("SIGKILL");
    await once(killed, "exit");
    await using _held = await FolderLock.acquire(file, folder, process.pid);
    expect(await readdir(folder)).toEqual(["lock"]);
  });

  it("is taken over where another process has the number by now", async () => {
    await writeFile(file, JSON.stringify({ pid: process.pid, startTime: "1", children: [] }));
    await using _held = await FolderLock.acquire(file, folder, process.pid);
  });

  it("is taken over where a loss of power has cut it short", async () => {
    await writeFile(file, "");
    await using _held = await FolderLock.acquire(file, folder, process.pid);
  });

  it("ends what a killed holder has left running, and nothing else", async () => {
    const [killed, left, other] = await Promise.all([sleeper(), sleeper(), sleeper()]);
    const lock = await FolderLock.acquire(file, folder, killed.pid);
    await lock.note("redis", left.pid);
    const reused = { ...identifyProcess(other.pid), startTime: "1" };
    killed.kill("SIGKILL");
    await once(killed, "exit");
    const content = JSON.parse(await (await import("node:fs/promises")).readFile(file, "utf8"));
    await writeFile(file, JSON.stringify({ ...content, children: [...content.children, { name: "x", ...reused }] }));
    const exit = once(left, "exit");
    await using _held = await FolderLock.acquire(file, folder, process.pid);
    await exit;
    expect(isRunning(identifyProcess(other.pid) ?? { pid: 0, startTime: "" })).toBe(true);
  });

  it("goes to one of many that come at once for a dead holder's", async () => {
    await writeFile(file, JSON.stringify({ pid: 1, startTime: "no", children: [] }));
    const comers = await Promise.all(Array.from({ length: 6 }, sleeper));
    const outcomes = await Promise.allSettled(comers.map(({ pid }) => FolderLock.acquire(file, folder, pid)));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("bears a disk that takes no note, and notes it with the next one", async () => {
    await using held = await FolderLock.acquire(file, folder, process.pid);
    await mkdir(`${file}.new`);
    await held.note("one", process.pid);
    await rmdir(`${file}.new`);
    await held.note("two", process.pid);
    const { children } = JSON.parse(await readFile(file, "utf8")) as { children: { name: string }[] };
    expect(children.map(({ name }) => name)).toEqual(["one", "two"]);
  });
});
