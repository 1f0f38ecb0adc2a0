import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const projectFolder = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/**
 * Where what was fetched or built once is kept. The emulators in it are started under other uids when the farm runs
 * as root, and nobody but root may enter root's home: hence /var/cache.
 *
 * @param {{ EMUFARM_CACHE?: string | undefined, XDG_CACHE_HOME?: string | undefined }} env
 * @param {number} uid
 * @param {string} home
 */
export function cacheFolder(env, uid, home = homedir()) {
  if (env.EMUFARM_CACHE) return env.EMUFARM_CACHE;
  if (uid === 0) return "/var/cache/emufarm";
  return join(env.XDG_CACHE_HOME || join(home, ".cache"), "emufarm");
}

/** The cache folder of whoever runs this. */
export function ownCacheFolder() {
  return cacheFolder(process.env, process.getuid?.() ?? -1);
}
