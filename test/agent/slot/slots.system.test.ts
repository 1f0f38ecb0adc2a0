import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSlots } from "../../../src/agent/slot/open-slots.ts";
import { reapOrphans, slotEnvironment } from "../../../src/agent/slot/orphans.ts";

const isRoot = process.getuid?.() === 0;

async function temporary() {
  const path = await mkdtemp(join(tmpdir(), "slots-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A process as a killed agent leaves it behind. */
function orphan(slotFolder: string) {
  const child = spawn("sleep", ["600"], { env: slotEnvironment(slotFolder), detached: true, stdio: "ignore" });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once("exit", (_, signal) => resolve(signal)));
  return { pid: child.pid ?? 0, ended, kill: () => child.kill("SIGKILL") };
}

test("each slot has an empty folder that is closed to all others", async () => {
  await using folder = await temporary();
  const slots = await openSlots({ folder: join(folder.path, "s"), count: 3, uidBase: isRoot ? 65_600 : undefined });
  expect(slots.map(({ index }) => index)).toEqual([0, 1, 2]);
  for (const slot of slots) {
    const { mode, uid } = statSync(slot.folder);
    expect(mode & 0o777).toBe(0o700);
    expect(uid).toBe(isRoot ? 65_600 + slot.index : process.getuid?.());
    expect(readdirSync(slot.folder)).toEqual([]);
  }
  for (const slot of slots) await slot[Symbol.asyncDispose]();
  expect(readdirSync(join(folder.path, "s"))).toEqual([]);
});

test("a starting agent ends the emulators of a killed predecessor and wipes their slots, and touches no others", async () => {
  await using folder = await temporary();
  const [mine, others] = [join(folder.path, "a"), join(folder.path, "ab")];
  const left = [orphan(join(mine, "0")), orphan(join(mine, "1"))];
  const foreign = orphan(join(others, "0"));
  const first = await openSlots({ folder: others, count: 1, uidBase: undefined }).then(() => foreign.ended);
  expect(first).toBe("SIGKILL");
  const second = orphan(join(others, "0"));
  await openSlots({ folder: mine, count: 2, uidBase: undefined });
  await writeFile(join(mine, "0", "left"), "x");
  await openSlots({ folder: mine, count: 2, uidBase: undefined });
  expect(await Promise.all(left.map(({ ended }) => ended))).toEqual(["SIGKILL", "SIGKILL"]);
  expect(readdirSync(join(mine, "0"))).toEqual([]);
  expect(existsSync(`/proc/${second.pid}`)).toBe(true);
  second.kill();
  await second.ended;
});

test("where nothing is left over nothing is ended", async () => {
  await using folder = await temporary();
  expect(await reapOrphans(folder.path)).toEqual([]);
});
