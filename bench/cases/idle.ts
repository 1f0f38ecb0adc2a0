import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "ioredis";
import { pino } from "pino";
import { openFarmQueue } from "../../src/api/queue/farm-queue.ts";
import { type BenchCase, figure } from "../case.ts";
import { startBenchFarm } from "../measure/farm.ts";
import { cpuMs, processTree } from "../measure/process-usage.ts";

const TENANTS = 1_000;
const SETTLE_MS = 3_000;
const WINDOW_MS = 20_000;

/** What a farm does that has nothing to do, with a thousand tenants waiting for a pool that has no agents. */
export const idle: BenchCase = {
  name: "idle",
  title: "idle farm with 1,000 tenants",
  async run(say) {
    await using farm = await startBenchFarm({ slots: 4 });
    await submitForTenants(farm.redisSocket);
    await wait(SETTLE_MS);
    const redis = new Redis({ path: farm.redisSocket });
    try {
      const pids = await processTree(farm.pid);
      const cpuBefore = await cpuOf(pids);
      const before = await statistics(redis);
      await wait(WINDOW_MS);
      const after = await statistics(redis);
      const cpuPercent = ((await cpuOf(pids)) - cpuBefore) / (WINDOW_MS / 100);
      // The measuring connection and its one command are not the farm's.
      const connections = after.connections - 1;
      const commandsPerSecond = (after.commands - before.commands - 1) / (WINDOW_MS / 1_000);
      say(`${pids.length} processes, ${connections} connections, ${commandsPerSecond.toFixed(1)} commands/s`);
      const against = `${TENANTS} tenants, over ${WINDOW_MS / 1_000} s`;
      return [
        figure("idle-connections", connections, "connections", against, "<=", 20),
        figure("idle-commands", commandsPerSecond, "commands/s", against, "<=", 5),
        figure("idle-cpu", cpuPercent, "% of a core", `${against}, all processes`, "<=", 1),
      ];
    } finally {
      redis.disconnect();
    }
  },
};

async function submitForTenants(redisSocket: string): Promise<void> {
  await using queue = await openFarmQueue({ address: `unix:${redisSocket}`, log: pino({ level: "silent" }) });
  const jobs = Array.from({ length: TENANTS }, (_, index) => ({
    jobId: `idle-${index}`,
    tenant: `tenant-${index}`,
    priority: 50,
  }));
  await queue.waitingRoom.submit("bench-idle", jobs);
}

async function statistics(redis: Redis): Promise<{ connections: number; commands: number }> {
  const info = await redis.info();
  const number = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1]);
  return { connections: number("connected_clients"), commands: number("total_commands_processed") };
}

async function cpuOf(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(pids.map((pid) => cpuMs(pid)));
  return each.reduce((sum, ms) => sum + ms, 0);
}
