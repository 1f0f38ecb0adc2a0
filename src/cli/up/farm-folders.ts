import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import type { FarmFolders } from "../folders.ts";
import { makeRuntimeBase } from "./runtime-base.ts";

/** How each folder is chosen, for whoever has to choose another. */
const CHOICE = {
  data: "the farm's data; --data or EMUFARM_DATA chooses another folder",
  cache: "what can be made again; EMUFARM_CACHE chooses another folder",
  runtime: "sockets and slots; EMUFARM_RUNTIME_DIR chooses another folder",
} as const;

/**
 * Makes the folders of a farm on this machine.
 * @throws {FarmError} InvalidRequest where one cannot be made; Forbidden
 */
export async function makeFarmFolders({ data, cache, runtimeBase, runtime }: FarmFolders, uid: number): Promise<void> {
  // Emulators that run under uids of their own pass through to their slots; all else is closed to them.
  const passable = uid === 0 ? 0o711 : 0o700;
  await explained("data", data, async () => {
    await mkdir(data, { recursive: true, mode: passable });
    for (const name of ["redis", "boards", "logs", "store"]) {
      await mkdir(join(data, name), { recursive: true, mode: 0o700 });
    }
    await mkdir(join(data, "agents"), { recursive: true, mode: passable });
  });
  await explained("cache", cache, () => mkdir(cache, { recursive: true, mode: uid === 0 ? 0o755 : 0o700 }));
  await explained("runtime", runtime, async () => {
    await makeRuntimeBase(runtimeBase, uid);
    await mkdir(runtime, { recursive: true, mode: passable });
  });
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EEXIST: "a file is in its place",
  ENOTDIR: "a file is in its place",
  EACCES: "you may not write there",
  EPERM: "you may not write there",
  EROFS: "that disk can only be read",
  ENOSPC: "the disk is full",
};

async function explained(what: keyof typeof CHOICE, folder: string, make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (cause) {
    if (cause instanceof FarmError) throw cause;
    const { code = "", path = folder, message } = cause as NodeJS.ErrnoException;
    const problem = PROBLEMS[code] ?? message;
    const problems = `folder ${path} cannot be made: ${problem}. It is for ${CHOICE[what]}`;
    throw new FarmError("InvalidRequest", { problems }, { cause });
  }
}
