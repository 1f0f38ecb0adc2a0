import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type BenchCase, figure } from "../case.ts";
import { BENCH_BOARD, startBareGuest } from "../measure/bare-qemu.ts";
import { type BenchFarm, startBenchFarm } from "../measure/farm.ts";
import { farmQemuFolder } from "../measure/farm-qemu.ts";
import { exampleImage } from "../measure/image.ts";
import { median } from "../measure/statistics.ts";

const SAMPLES = 40;
/** What makes a farm idle: nothing was asked of it for so long. */
const IDLE_MS = 300;

/** The goal where emulators are recycled, and where each is started. */
const GOALS = { recycled: 0.3, started: 1.3 };

/** From a submission to an idle farm until the guest's first byte, against the spawn of bare QEMU. */
export const latency: BenchCase = {
  name: "latency",
  title: "submit to first UART byte, idle farm",
  async run(say) {
    const image = exampleImage("hello");
    await using farm = await startBenchFarm({ slots: 4 });
    const { sha256 } = await farm.client.uploadBytes(await readFile(image));
    await submitToFirstByteMs(farm, sha256);
    const ours: number[] = [];
    const bare: number[] = [];
    for (let sample = 0; sample < SAMPLES; sample++) {
      bare.push(await spawnToFirstByteMs(image));
      await delay(IDLE_MS);
      ours.push(await submitToFirstByteMs(farm, sha256));
    }
    say(`p50 ${median(ours).toFixed(1)} ms, bare ${median(bare).toFixed(1)} ms`);
    const against = `spawn of bare QEMU to first byte (${median(bare).toFixed(1)} ms)`;
    const goal = farmQemuFolder() === undefined ? GOALS.started : GOALS.recycled;
    return [figure("latency-p50", median(ours) / median(bare), "ratio", against, "<=", goal)];
  },
};

async function spawnToFirstByteMs(image: string): Promise<number> {
  await using guest = await startBareGuest(image);
  return await guest.firstByteMs;
}

/** The agent tells when it took the attempt by the wall clock, and the first byte from there: one machine, one clock. */
async function submitToFirstByteMs(farm: BenchFarm, sha256: string): Promise<number> {
  const submittedAt = performance.timeOrigin + performance.now();
  const job = await farm.client.submitJob({ board: BENCH_BOARD, firmware: { sha256 } });
  for await (const event of farm.client.events(job.runId)) {
    if (event.type !== "jobFinished") continue;
    const result = event.verdict.result;
    if (result?.timings.firstByteMs === undefined) throw new Error("the guest said nothing");
    return Date.parse(result.startedAt) + result.timings.firstByteMs - submittedAt;
  }
  throw new Error("the run ended without a verdict");
}
