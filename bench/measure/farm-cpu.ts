import { readFile } from "node:fs/promises";
import { processTimes, processTree } from "./process-usage.ts";

/** CPU time in ms by what a farm's processes are; `emulators` is what ended below the agents. */
export type FarmCpu = ReadonlyMap<string, number>;

export async function farmCpu(rootPid: number): Promise<FarmCpu> {
  const cpu = new Map<string, number>();
  const add = (name: string, ms: number) => cpu.set(name, (cpu.get(name) ?? 0) + ms);
  for (const pid of await processTree(rootPid)) {
    const name = await roleOf(pid);
    if (name === undefined) continue;
    const { ownMs, childrenMs } = await processTimes(pid);
    add(name, ownMs);
    if (name === "agent") add("emulators", childrenMs);
  }
  return cpu;
}

/** What a job has cost between two measurements, in words. */
export function describeCpu(before: FarmCpu, after: FarmCpu, jobs: number): string {
  return [...after]
    .map(([name, ms]) => `${name} ${((ms - (before.get(name) ?? 0)) / jobs).toFixed(2)}`)
    .sort()
    .join(", ");
}

/** Undefined for emulators, and for what has ended meanwhile. */
async function roleOf(pid: number): Promise<string | undefined> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, "latin1").catch(() => "");
  const command = await read("cmdline");
  if (command.includes("redis-server")) return "redis";
  if (command.includes("/agent/main.js")) return "agent";
  return /(?:^|\0)EMUFARM_ROLE=(\w+)/.exec(await read("environ"))?.[1];
}
