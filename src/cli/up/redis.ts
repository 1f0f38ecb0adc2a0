import { FarmError } from "../../core/error/farm-error.ts";
import { findProgram } from "./program-path.ts";
import { readyByLine } from "./readiness.ts";
import type { ProcessSpec } from "./supervised.ts";

const SERVERS = ["redis-server", "valkey-server"];

interface RedisPlace {
  readonly dataFolder: string;
  readonly socketPath: string;
  readonly logFile: string;
  readonly path: string | undefined;
}

/**
 * The farm's private Redis: on a unix socket only, evicting nothing, its data in the farm's folder.
 * @throws {FarmError} RedisMissing
 */
export function redisProcess({ dataFolder, socketPath, logFile, path }: RedisPlace): ProcessSpec {
  const server = SERVERS.map((name) => findProgram(name, path)).find((file) => file !== undefined);
  if (server === undefined) throw new FarmError("RedisMissing", { install: "apt install redis-server" });
  const args = [
    ...["--port", "0", "--unixsocket", socketPath, "--unixsocketperm", "600"],
    ...["--dir", dataFolder, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""],
    ...["--maxmemory-policy", "noeviction", "--daemonize", "no", "--logfile", "", "--set-proc-title", "no"],
  ];
  // Redis does not look at its standard input: the kernel tells it when the supervisor is gone.
  const setpriv = findProgram("setpriv", path);
  return {
    name: "redis",
    ...(setpriv === undefined
      ? { command: server, args }
      : { command: setpriv, args: ["--pdeathsig", "TERM", "--", server, ...args] }),
    env: () => ({ PATH: path }),
    readiness: readyByLine(/ready to accept connections/i),
    logFile,
  };
}
