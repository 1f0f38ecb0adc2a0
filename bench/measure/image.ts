import { join, resolve } from "node:path";
import { buildFirmware } from "../../test/firmware/build.ts";
import { BENCH_BOARD } from "./bare-qemu.ts";

/** Path of an image of the examples for the benchmarks' board. */
export function exampleImage(app: string): string {
  return resolve(import.meta.dirname, `../../examples/images/${BENCH_BOARD}/${app}.elf`);
}

/** Path of an image of the tests for the benchmarks' board; built if need be. */
export async function testImage(app: string, board = BENCH_BOARD): Promise<string> {
  return join(await buildFirmware(), board, `${app}.elf`);
}
