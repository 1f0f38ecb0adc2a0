import { type BenchCase, figure } from "../case.ts";
import { type BenchAgent, startBenchAgent } from "../measure/agent.ts";
import { testImage } from "../measure/image.ts";
import { readUntil, roundTrips } from "../measure/serial.ts";
import { percentile } from "../measure/statistics.ts";

const SINGLE_WRITES = 10_000;
const BLOCK_WRITES = 1_000;
const BLOCK_BYTES = 64;
const LATE_WRITES = 100;

/** Bytes to the guest: none may be lost, whether it listens already or only later. A lost one fails the benchmark. */
export const input: BenchCase = {
  name: "input",
  title: "UART input",
  async run(say) {
    await using agent = await startBenchAgent(1);
    const console = await agent.openConsole(await testImage("echo"));
    await readUntil(console, "ready\n");
    const single = await roundTrips(console, SINGLE_WRITES, 1);
    const block = await roundTrips(console, BLOCK_WRITES, BLOCK_BYTES);
    console.destroy();
    await clear(agent);
    const late = await lateWrites(agent);
    say(
      `${SINGLE_WRITES} single, ${BLOCK_WRITES} of ${BLOCK_BYTES} bytes, ${late} of ${LATE_WRITES} late ones arrived`,
    );
    const against = "the guest is ready";
    return [
      figure("input-single-p99", percentile(single, 0.99), "ms", against, "<=", 50),
      figure("input-block-p99", percentile(block, 0.99), "ms", against, "<=", 50),
      figure("input-late", late, "writes", `${LATE_WRITES} before the guest enables receive`, ">=", LATE_WRITES),
    ];
  },
};

/** Writes to a guest that says it is not listening yet, once per boot; how many of the bytes arrived. */
async function lateWrites(agent: BenchAgent): Promise<number> {
  const image = await testImage("late-receive");
  let arrived = 0;
  for (let write = 0; write < LATE_WRITES; write++) {
    const console = await agent.openConsole(image);
    await readUntil(console, "not listening\n");
    console.write("x");
    await readUntil(console, "listening\n1\n").then(() => arrived++);
    console.destroy();
    await clear(agent);
  }
  return arrived;
}

async function clear(agent: BenchAgent): Promise<void> {
  for (const { uid } of await agent.client.instances()) await agent.client.deleteInstance(uid);
}
