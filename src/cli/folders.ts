import { createHash } from "node:crypto";
import { join, resolve } from "node:path";

/** The folders of a farm on one machine (docs/architecture.md). */
export interface FarmFolders {
  /** What stays: token, store, queue, boards. */
  readonly data: string;
  /** Sockets and slots; gone when the farm is down. */
  readonly runtime: string;
  /** What can be made again. */
  readonly cache: string;
  /** Where runtime folders lie side by side. */
  readonly runtimeBase: string;
}

interface User {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly home: string;
  readonly cwd: string;
}

/** The folders for this user, and for the data folder that was asked for, if any. */
export function farmFolders(user: User, dataOption?: string): FarmFolders {
  const { env, uid, home, cwd } = user;
  const isRoot = uid === 0;
  const chosenData = dataOption ?? env.EMUFARM_DATA;
  const ownData = isRoot ? "/var/lib/emufarm" : join(env.XDG_DATA_HOME || join(home, ".local/share"), "emufarm");
  const data = chosenData ? resolve(cwd, chosenData) : ownData;
  const runtimeBase = env.EMUFARM_RUNTIME_DIR ? resolve(cwd, env.EMUFARM_RUNTIME_DIR) : ownRuntimeBase(user);
  const ownCache = isRoot ? "/var/cache/emufarm" : join(env.XDG_CACHE_HOME || join(home, ".cache"), "emufarm");
  return {
    data,
    runtime: join(runtimeBase, createHash("sha256").update(data).digest("hex").slice(0, 8)),
    cache: env.EMUFARM_CACHE ? resolve(cwd, env.EMUFARM_CACHE) : ownCache,
    runtimeBase,
  };
}

function ownRuntimeBase({ env, uid }: User): string {
  if (uid === 0) return "/run/emufarm";
  return env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, "emufarm") : `/tmp/emufarm-${uid}`;
}
