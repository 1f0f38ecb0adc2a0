import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type BenchCase, figure } from "../case.ts";
import { BENCH_BOARD, bareWholeProcessMs } from "../measure/bare-qemu.ts";
import { startBenchFarm } from "../measure/farm.ts";
import { exampleImage } from "../measure/image.ts";
import { median } from "../measure/statistics.ts";

const SAMPLES = 15;
const PROGRAM = resolve(import.meta.dirname, "../../bin/emufarm");

/** `emufarm run` as a whole process, with a running farm and without, against bare QEMU as a whole process. */
export const command: BenchCase = {
  name: "command",
  title: "emufarm run of a trivial firmware, whole process",
  async run(say) {
    const image = exampleImage("hello");
    const empty = await mkdtemp(join(tmpdir(), "emufarm-bench-"));
    const bare: number[] = [];
    const withFarm: number[] = [];
    const without: number[] = [];
    try {
      await using farm = await startBenchFarm({ slots: 4 });
      await runMs(farm.data, image);
      await runMs(empty, image);
      for (let sample = 0; sample < SAMPLES; sample++) {
        bare.push(await bareWholeProcessMs(image));
        withFarm.push(await runMs(farm.data, image));
        without.push(await runMs(empty, image));
      }
    } finally {
      await rm(empty, { recursive: true });
    }
    const floor = median(bare);
    say(
      `bare ${floor.toFixed(0)} ms, with a farm ${median(withFarm).toFixed(0)} ms, without ${median(without).toFixed(0)} ms`,
    );
    const against = `bare QEMU, whole process (${floor.toFixed(0)} ms)`;
    return [
      figure("command-with-farm", median(withFarm) - floor, "ms more", against, "<=", 150),
      figure("command-without-farm", median(without) - floor, "ms more", against, "<=", 1_000),
    ];
  },
};

async function runMs(data: string, image: string): Promise<number> {
  const started = performance.now();
  const child = spawn(PROGRAM, ["run", BENCH_BOARD, image, "--data", data], { stdio: ["ignore", "ignore", "inherit"] });
  const [code] = (await once(child, "exit")) as [number];
  if (code !== 0) throw new Error(`emufarm run ended with ${code}`);
  return performance.now() - started;
}
