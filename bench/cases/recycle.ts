import { readFile } from "node:fs/promises";
import { type BenchCase, type Figure, figure } from "../case.ts";
import { BENCH_BOARD, xargsSeconds } from "../measure/bare-qemu.ts";
import { type BenchFarm, runSeconds, startBenchFarm } from "../measure/farm.ts";
import { farmQemuFolder, NOT_BUILT } from "../measure/farm-qemu.ts";
import { exampleImage } from "../measure/image.ts";
import { processTree, residentMiB } from "../measure/process-usage.ts";
import { median } from "../measure/statistics.ts";

const JOBS = 1_000;
const PARALLEL = 4;
const ROUNDS = 3;
const LONG_JOBS = 10_000;
const FIRST_JOBS = 100;
/** The last ones, against the first. */
const PART = 1_000;

/** Jobs that one emulator serves one after another, against a stock emulator for each. */
export const recycle: BenchCase = {
  name: "recycle",
  title: "recycled jobs, whole farm, the farm's own QEMU",
  async run(say) {
    if (farmQemuFolder() === undefined) {
      say(NOT_BUILT);
      return [];
    }
    return [...(await rates(say)), ...(await endurance(say))];
  },
};

async function rates(say: (text: string) => void): Promise<Figure[]> {
  const exits = exampleImage("hello");
  const talks = exampleImage("shell");
  await using farm = await startBenchFarm({ slots: PARALLEL });
  await runSeconds(farm, exits, BENCH_BOARD, 50);
  const ratios = { uart: [] as number[], exit: [] as number[] };
  for (let round = 1; round <= ROUNDS; round++) {
    // Bare QEMU needs its guest to end by itself: the firmware that costs it least stands for both.
    const bare = JOBS / 2 / (await xargsSeconds(exits, JOBS / 2, PARALLEL));
    const exit = JOBS / (await runSeconds(farm, exits, BENCH_BOARD, JOBS));
    const uart = JOBS / (await runSeconds(farm, talks, BENCH_BOARD, JOBS, { expectText: "> " }));
    say(`round ${round}: by UART ${uart.toFixed(0)}, by exit ${exit.toFixed(0)}, xargs ${bare.toFixed(1)} jobs/s`);
    ratios.uart.push(uart / bare);
    ratios.exit.push(exit / bare);
  }
  const against = `xargs -P ${PARALLEL} over bare stock QEMU`;
  return [
    figure("recycle-uart", median(ratios.uart), "ratio", against, ">=", 5),
    figure("recycle-exit", median(ratios.exit), "ratio", against, ">=", 5),
  ];
}

/** One emulator that serves thousands of jobs must not grow, nor slow down. */
async function endurance(say: (text: string) => void): Promise<Figure[]> {
  const image = exampleImage("hello");
  await using farm = await startBenchFarm({ slots: 1 });
  const firstEach = (await runSeconds(farm, image, BENCH_BOARD, FIRST_JOBS)) / FIRST_JOBS;
  const pid = await emulatorOf(farm);
  const before = await residentMiB(pid);
  let lastEach = 0;
  for (let done = 0; done < LONG_JOBS; done += PART) {
    lastEach = (await runSeconds(farm, image, BENCH_BOARD, PART)) / PART;
  }
  if ((await emulatorOf(farm)) !== pid) throw new Error("another emulator has taken over");
  const after = await residentMiB(pid);
  say(`RSS ${before.toFixed(1)} MiB, ${after.toFixed(1)} MiB after ${LONG_JOBS} jobs`);
  const eachMs = (seconds: number) => (seconds * 1_000).toFixed(2);
  say(`a job ${eachMs(firstEach)} ms of the first ${FIRST_JOBS}, ${eachMs(lastEach)} ms of the last ${PART}`);
  return [
    figure(
      "recycle-rss",
      after / before,
      "ratio",
      `RSS after ${FIRST_JOBS} jobs (${before.toFixed(1)} MiB)`,
      "<=",
      1.05,
    ),
    figure("recycle-time", lastEach / firstEach, "ratio", `the first ${FIRST_JOBS} of ${LONG_JOBS}`, "<=", 1.05),
  ];
}

async function emulatorOf(farm: BenchFarm): Promise<number> {
  for (const pid of await processTree(farm.pid)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8");
    if (command.startsWith("/") && command.includes("qemu-system-") && command.includes("-qmp\0") === false) return pid;
  }
  throw new Error("no emulator waits");
}
