import { buildFirmware } from "./build.ts";

/** Builds the tests' firmware once, before any worker wants it; nothing is done where it is in the cache. */
export async function setup(): Promise<void> {
  await buildFirmware();
}
