import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { thisDistribution } from "../../scripts/setup/distribution.mjs";
import { ownCacheFolder } from "../../scripts/setup/folders.mjs";
import { newerQemuFolder } from "../../scripts/setup/newer-qemu.mjs";
import { compareVersions } from "../../src/agent/emulator/version.ts";
import type { Board } from "../../src/core/schema/board.ts";

/** Where emulators lie: the distribution's, and those that were added because the distribution's are too old. */
export interface EmulatorSet {
  name: string;
  folders: readonly string[];
  /** Built by `npm run qemu`. */
  isFarmsOwn?: boolean;
}

export function emulatorSets(): EmulatorSet[] {
  const path = (process.env.PATH ?? "").split(delimiter).filter(isAbsolute);
  const newer = newerQemuFolder(thisDistribution(), ownCacheFolder());
  const added = [...(process.env.EMUFARM_QEMU_PATH ?? "").split(delimiter), newer ? join(newer, "usr/bin") : ""];
  const folders = added.filter((folder) => isAbsolute(folder) && existsSync(folder) && !path.includes(folder));
  const own = process.env.EMUFARM_FARM_QEMU_PATH;
  return [
    { name: "the distribution's QEMU", folders: path },
    ...(folders.length > 0 ? [{ name: "the newer QEMU", folders }] : []),
    ...(own === undefined ? [] : [{ name: "the farm's own QEMU", folders: [own], isFarmsOwn: true }]),
  ];
}

/** The folder of the board's emulator in this set, where it has the machine, in a version that the board may be run on. */
export function emulatorFolder(set: EmulatorSet, { spec: { emulator } }: Board): string | undefined {
  const folder = set.folders.find((one) => existsSync(join(one, emulator.binary)));
  if (folder === undefined) return undefined;
  const { version, machines } = probe(join(folder, emulator.binary));
  const hasMachine = machines.has(emulator.machine.split(",", 1)[0] ?? "");
  return hasMachine && compareVersions(version, emulator.minVersion) >= 0 ? folder : undefined;
}

interface Probe {
  readonly version: string;
  readonly machines: ReadonlySet<string>;
}

const probes = new Map<string, Probe>();

function probe(program: string): Probe {
  const known = probes.get(program);
  if (known !== undefined) return known;
  const said = (...args: string[]) => execFileSync(program, args, { encoding: "utf8" });
  const version = /version (\d+(?:\.\d+)+)/.exec(said("--version"))?.[1] ?? "0";
  const machines = new Set(
    said("-machine", "help")
      .split("\n")
      .map((line) => line.split(" ", 1)[0] ?? ""),
  );
  const found = { version, machines };
  probes.set(program, found);
  return found;
}

/** Folders to look for emulators in, so that each board finds one that is new enough where there is one. */
export function newestFirst(): string[] {
  return emulatorSets()
    .filter(({ isFarmsOwn }) => !isFarmsOwn)
    .toReversed()
    .flatMap(({ folders }) => folders);
}
