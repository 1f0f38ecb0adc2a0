import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";

/** A Redis of a test's own, on a unix socket in a temporary folder. */
export interface RedisFixture extends AsyncDisposable {
  readonly address: string;
  /** Kills it, as `kill -9` would. */
  kill(): Promise<void>;
  /** Sends a command, over a connection of its own. */
  command(name: string, ...values: string[]): Promise<unknown>;
  /** Starts it again on the same folder. */
  start(): Promise<void>;
}

export async function startRedis(extra: readonly string[] = []): Promise<RedisFixture> {
  const folder = await mkdtemp(join(tmpdir(), "emu-redis-"));
  const socket = join(folder, "redis.sock");
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const settings = ["--port", "0", "--unixsocket", socket, "--dir", folder, "--save", "", "--appendonly", "yes"];
    const child = spawn("redis-server", [...settings, ...extra], { stdio: ["ignore", "pipe", "inherit"] });
    server = child;
    // Also when the test's process ends without clearing up.
    const endWithTest = () => child.kill("SIGKILL");
    process.once("exit", endWithTest);
    child.once("exit", () => process.off("exit", endWithTest));
    for await (const line of createInterface({ input: child.stdout })) {
      if (/ready to accept connections/i.test(line)) break;
    }
    child.stdout.resume();
  }

  async function kill(): Promise<void> {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, "exit");
    server.kill("SIGKILL");
    await exited;
  }

  await start();
  return {
    address: `unix:${socket}`,
    kill,
    start,
    async command(name, ...values) {
      const redis = new Redis(socket);
      try {
        return await redis.call(name, ...values);
      } finally {
        redis.disconnect();
      }
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
