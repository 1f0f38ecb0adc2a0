import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { type BenchCase, figure } from "../case.ts";
import { manyInstances } from "../measure/many-instances.ts";
import { cpuMs, residentMiB } from "../measure/process-usage.ts";

const INSTANCES = 1_000;
/** As Node finds it in a pod with the chart's limit of 512 MiB. */
const HEAP_MIB = 256;
const SETTLE_MS = 15_000;
const IDLE_MS = 60_000;

/** What an operator costs with a thousand boards: memory, work while nothing happens, writes for each. */
export const operator: BenchCase = {
  name: "operator",
  title: `the operator with ${INSTANCES} instances on a real API server; agents only answer`,
  async run(say) {
    await using many = await manyInstances(HEAP_MIB);
    const { pid } = await many.startOperator("first");
    const started = performance.now();
    await many.create(INSTANCES);
    await many.untilReady(INSTANCES);
    say(`${INSTANCES} instances ready after ${((performance.now() - started) / 1_000).toFixed(0)} s`);
    await wait(SETTLE_MS);
    const idle = await idleShare(pid);
    const memory = await residentMiB(pid);
    say(`idle: ${(idle * 100).toFixed(2)} % of a core, ${memory.toFixed(0)} MiB`);
    await many.deleteAll();
    const writes = await many.writes();
    say([...writes].map(([what, count]) => `${what} ${(count / INSTANCES).toFixed(2)}`).join(", "));
    const total = [...writes.values()].reduce((sum, count) => sum + count, 0);
    return [
      figure("operator-memory", memory, "MiB", `${INSTANCES} instances, RSS`, "<=", 150),
      figure("operator-idle", idle * 100, "% of a core", `${INSTANCES} instances, ${IDLE_MS / 1_000} s`, "<=", 0.5),
      figure("operator-writes", total / INSTANCES, "writes", "an instance's life: made, ready, deleted", "<=", 12),
    ];
  },
};

const STREAMS = 10_000;
/** So many want a larger pod. */
const STREAMS_HEAP_MIB = 2_048;

/** A leader is killed while it holds the streams of very many agents. */
export const streams: BenchCase = {
  name: "streams",
  title: `${STREAMS} event streams; the leader is killed`,
  async run(say) {
    await using many = await manyInstances(STREAMS_HEAP_MIB);
    const leader = await many.startOperator("first");
    const started = performance.now();
    const empty = await residentMiB(leader.pid);
    await many.create(STREAMS);
    await many.untilReady(STREAMS);
    say(`${STREAMS} instances ready after ${((performance.now() - started) / 1_000).toFixed(0)} s`);
    await wait(SETTLE_MS);
    const memory = await residentMiB(leader.pid);
    await many.startOperator("second");
    await wait(SETTLE_MS);
    const before = await many.writes();
    const exited = once(leader, "exit");
    leader.kill("SIGKILL");
    await exited;
    const killed = performance.now();
    await many.untilStreams(STREAMS);
    const backS = (performance.now() - killed) / 1_000;
    say(`all streams back after ${backS.toFixed(1)} s`);
    await wait(SETTLE_MS);
    const caused = statusWrites(await many.writes()) - statusWrites(before);
    const against = `${STREAMS} streams, leader killed`;
    return [
      figure("streams-back", backS, "s", against, "<=", 30),
      figure("streams-status-writes", caused, "writes", against, "<=", 0),
      figure("streams-memory", ((memory - empty) * 1_024) / STREAMS, "KiB", "RSS for each, objects included", "<=", 60),
    ];
  },
};

function statusWrites(writes: ReadonlyMap<string, number>): number {
  return writes.get("emulatorinstances/status") ?? 0;
}

async function idleShare(pid: number): Promise<number> {
  const [cpu, at] = [await cpuMs(pid), performance.now()];
  await wait(IDLE_MS);
  return ((await cpuMs(pid)) - cpu) / (performance.now() - at);
}
