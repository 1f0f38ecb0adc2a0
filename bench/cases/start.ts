import { join } from "node:path";
import { type BenchCase, figure } from "../case.ts";
import { BINARY, startBareGuest } from "../measure/bare-qemu.ts";
import { farmQemuFolder, NOT_BUILT } from "../measure/farm-qemu.ts";
import { exampleImage } from "../measure/image.ts";
import { residentMiB, threadCpuMs } from "../measure/process-usage.ts";
import { median } from "../measure/statistics.ts";

const SAMPLES = 30;

/** Start of the farm's own emulator against the distribution's: the same arguments, the same firmware. */
export const start: BenchCase = {
  name: "start",
  title: "start of an emulator, the farm's own against stock",
  async run(say) {
    const folder = farmQemuFolder();
    if (folder === undefined) {
      say(NOT_BUILT);
      return [];
    }
    const image = exampleImage("shell");
    const own: Start[] = [];
    const stock: Start[] = [];
    for (let sample = 0; sample < SAMPLES; sample++) {
      stock.push(await startOf(image, BINARY));
      own.push(await startOf(image, join(folder, BINARY)));
    }
    return (["firstByteMs", "cpuMs", "residentMiB"] as const).map((key, place) => {
      const [ours, bare] = [own, stock].map((starts) => median(starts.map((one) => one[key])));
      say(`${key}: ${ours?.toFixed(1)}, stock ${bare?.toFixed(1)}`);
      const ratio = (ours ?? Number.NaN) / (bare ?? Number.NaN);
      const limit = [0.5, 0.5, 0.6][place] ?? 0;
      return figure(`start-${key}`, ratio, "ratio", `stock (${bare?.toFixed(1)})`, "<=", limit);
    });
  },
};

interface Start {
  firstByteMs: number;
  cpuMs: number;
  residentMiB: number;
}

async function startOf(image: string, binary: string): Promise<Start> {
  await using guest = await startBareGuest(image, { binary });
  const firstByteMs = await guest.firstByteMs;
  return { firstByteMs, cpuMs: await threadCpuMs(guest.pid), residentMiB: await residentMiB(guest.pid) };
}
