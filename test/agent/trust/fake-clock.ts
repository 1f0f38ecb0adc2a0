import { existsSync } from "node:fs";

const CPUS = { x64: "x86_64", arm64: "aarch64" } as Record<string, string>;
const FAKE_CLOCK = `/usr/lib/${CPUS[process.arch]}-linux-gnu/faketime/libfaketime.so.1`;

/** Why no process can be shown another time here; undefined where one can. */
export const noFakeClock = existsSync(FAKE_CLOCK) ? undefined : "libfaketime is not installed";

/** Environment of a process whose wall clock is off by this much, such as `+30s`. */
export function withClock(offset: string): Readonly<Record<string, string>> {
  return { LD_PRELOAD: FAKE_CLOCK, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
}
