import { type BenchCase, figure } from "../case.ts";
import { BENCH_BOARD, xargsSeconds } from "../measure/bare-qemu.ts";
import { runSeconds, startBenchFarm } from "../measure/farm.ts";
import { describeCpu, farmCpu } from "../measure/farm-cpu.ts";
import { exampleImage } from "../measure/image.ts";
import { median } from "../measure/statistics.ts";

const JOBS = 500;
const PARALLEL = 4;
const ROUNDS = 3;

/** Trivial jobs through API, queue, agent and verdict, against `xargs -P` over bare QEMU, in turn. */
export const throughput: BenchCase = {
  name: "throughput",
  title: "trivial jobs per second, whole farm",
  async run(say) {
    const image = exampleImage("hello");
    await using farm = await startBenchFarm({ slots: PARALLEL });
    await runSeconds(farm, image, BENCH_BOARD, 50);
    const ratios: number[] = [];
    const bareRates: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const bare = JOBS / (await xargsSeconds(image, JOBS, PARALLEL));
      const before = await farmCpu(farm.pid);
      const ours = JOBS / (await runSeconds(farm, image, BENCH_BOARD, JOBS));
      say(`round ${round}: ${ours.toFixed(1)} jobs/s, xargs ${bare.toFixed(1)} jobs/s`);
      say(`  CPU ms a job: ${describeCpu(before, await farmCpu(farm.pid), JOBS)}`);
      ratios.push(ours / bare);
      bareRates.push(bare);
    }
    const against = `xargs -P ${PARALLEL} over bare QEMU (${median(bareRates).toFixed(1)} jobs/s)`;
    return [figure("throughput", median(ratios), "ratio", against, ">=", 0.85)];
  },
};
