import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

const SLOT_VARIABLE = "EMUFARM_SLOT";
const GONE_TIMEOUT_MS = 5_000;
const LOOK_AGAIN_MS = 5;

/** Environment of a slot's emulators: nothing of the agent's own, and the mark by which orphans are known. */
export function slotEnvironment(folder: string): Record<string, string> {
  return { [SLOT_VARIABLE]: folder, HOME: folder, TMPDIR: folder, LC_ALL: "C" };
}

/**
 * Kills what a predecessor that was killed itself has left running in slots under this folder, and waits until it
 * is gone. Processes are known by the mark in their environment, which each has from its first moment on: a file
 * with their ids could be missing, or name a process that has come since.
 * @returns the ids of the processes that were killed.
 */
export async function reapOrphans(slotsFolder: string): Promise<number[]> {
  const names = await readdir("/proc");
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const orphans: number[] = [];
  for (const pid of pids) {
    if (await isOfSlots(pid, slotsFolder)) orphans.push(pid);
  }
  for (const pid of orphans) kill(pid);
  await Promise.all(orphans.map((pid) => gone(pid, slotsFolder)));
  return orphans;
}

async function isOfSlots(pid: number, slotsFolder: string): Promise<boolean> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, "latin1");
    return environment.split("\0").some((entry) => entry.startsWith(`${SLOT_VARIABLE}=${slotsFolder}/`));
  } catch {
    // It has ended meanwhile, or belongs to another user: not ours in either case.
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** There is no event for the end of somebody else's child: looks until it is gone, for a few milliseconds. */
async function gone(pid: number, slotsFolder: string): Promise<void> {
  const deadline = performance.now() + GONE_TIMEOUT_MS;
  while ((await isOfSlots(pid, slotsFolder)) && performance.now() < deadline) await delay(LOOK_AGAIN_MS);
}
