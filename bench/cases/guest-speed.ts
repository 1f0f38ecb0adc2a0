import { join } from "node:path";
import { type BenchCase, figure } from "../case.ts";
import { BINARY, bareWholeProcessMs } from "../measure/bare-qemu.ts";
import { farmQemuFolder, NOT_BUILT } from "../measure/farm-qemu.ts";
import { testImage } from "../measure/image.ts";
import { median } from "../measure/statistics.ts";

const PAIRS = 5;

/** How fast a guest computes under the farm's own emulator, against the distribution's. */
export const guestSpeed: BenchCase = {
  name: "guest-speed",
  title: "a guest that only computes, the farm's own QEMU against stock",
  async run(say) {
    const folder = farmQemuFolder();
    if (folder === undefined) {
      say(NOT_BUILT);
      return [];
    }
    const image = await testImage("compute");
    const ratios: number[] = [];
    for (let pair = 1; pair <= PAIRS; pair++) {
      const stock = await bareWholeProcessMs(image, BINARY);
      const own = await bareWholeProcessMs(image, join(folder, BINARY));
      say(`pair ${pair}: ${own.toFixed(0)} ms, stock ${stock.toFixed(0)} ms`);
      ratios.push(stock / own);
    }
    return [figure("guest-speed", median(ratios), "ratio", `stock, median of ${PAIRS} pairs`, ">=", 1)];
  },
};
