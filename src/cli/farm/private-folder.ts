import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { farmFolders } from "../folders.ts";
import type { Surroundings } from "../surroundings.ts";
import { identifyProcess, isRunning } from "../up/process-identity.ts";
import { makeRuntimeBase } from "../up/runtime-base.ts";

const NAME_PATTERN = /^run-(\d+)-(\d+)-/;

/**
 * A folder for one call, short enough for sockets, removed at its end. What a call that was killed left behind is
 * removed by the next one.
 */
export async function makePrivateFolder(surroundings: Surroundings): Promise<{ path: string } & AsyncDisposable> {
  const { runtimeBase } = farmFolders(surroundings);
  await makeRuntimeBase(runtimeBase, surroundings.uid);
  const own = identifyProcess(surroundings.pid);
  const path = await mkdtemp(join(runtimeBase, `run-${surroundings.pid}-${own?.startTime ?? 0}-`));
  // Emulators that run under uids of their own pass through to their slots.
  if (surroundings.uid === 0) await chmod(path, 0o711);
  await removeLeftBehind(runtimeBase);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function removeLeftBehind(runtimeBase: string): Promise<void> {
  for (const name of await readdir(runtimeBase)) {
    const [, pid, startTime] = NAME_PATTERN.exec(name) ?? [];
    if (pid === undefined || startTime === undefined || isRunning({ pid: Number(pid), startTime })) continue;
    await rm(join(runtimeBase, name), { recursive: true, force: true });
  }
}
