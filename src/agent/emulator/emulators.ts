import { constants } from "node:fs";
import { access, readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { hasHardwareVirtualization } from "../../core/policy/hardware-virtualization.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import type { BoardCheck, EmulatorInfo } from "../../core/wire/agent-info.ts";
import { installHint, updateHint } from "./emulator-packages.ts";
import { probeEmulator } from "./emulator-probe.ts";
import { compareVersions } from "./version.ts";

const KVM_DEVICE = "/dev/kvm";

export interface EmulatorsOptions {
  /** Folders to search for programs, first found first taken. */
  readonly searchPath: readonly string[];
  readonly cacheFolder: string;
  /** User that emulators run as; undefined: the agent's own. Decides what they may use of the host. */
  readonly uid: number | undefined;
}

/** An emulator that runs a board here. */
export interface BoardEmulator {
  readonly info: EmulatorInfo;
  /** The first of the board's accelerators that is built in and usable. */
  readonly accelerator: string;
}

/** The emulator programs of this host and what they can do, each probed once. */
export class Emulators {
  readonly #options: EmulatorsOptions;
  readonly #paths = new Map<string, Promise<string[]>>();
  readonly #known = new Map<string, Promise<EmulatorInfo>>();

  constructor(options: EmulatorsOptions) {
    this.#options = options;
  }

  /** Begins to ask the first program of this name what it can do, so that the first board need not wait for that. */
  lookAt(binary: string): void {
    this.#pathsOf(binary)
      .then(async ([path]) => {
        if (path !== undefined) await this.#info(binary, path);
      })
      .catch(() => {
        // Not remembered: whoever wants a board is told.
      });
  }

  /**
   * The first of the programs of this name that runs the board; where none does, what is wrong with the newest one.
   * @throws {FarmError} EmulatorMissing, EmulatorTooOld, EmulatorUnusable, BoardUnavailable
   */
  async forBoard(boardName: string, board: BoardSpec): Promise<BoardEmulator> {
    let newest: { readonly version: string; readonly failure: unknown } | undefined;
    for (const path of await this.#pathsOf(board.emulator.binary)) {
      let version = "0";
      try {
        const info = await this.#info(board.emulator.binary, path);
        version = info.version;
        return forBoard(info, boardName, board);
      } catch (failure) {
        // Of two of one version, the later one is the distribution's, which has every machine.
        if (!newest || compareVersions(version, newest.version) >= 0) newest = { version, failure };
      }
    }
    // What is installed meanwhile is found the next time.
    this.#paths.delete(board.emulator.binary);
    throw newest?.failure;
  }

  /** The same as an answer: what the agent says about a board. */
  async check(boardName: string, board: BoardSpec): Promise<BoardCheck> {
    try {
      const { info, accelerator } = await this.forBoard(boardName, board);
      return { isAvailable: true, emulator: info, accelerator };
    } catch (error) {
      return { isAvailable: false, error: FarmError.from(error).toBody() };
    }
  }

  #pathsOf(binary: string): Promise<string[]> {
    return remembered(this.#paths, binary, async () => {
      const paths = await findPrograms(binary, this.#options.searchPath);
      if (paths.length === 0) throw new FarmError("EmulatorMissing", { binary, install: installHint(binary) });
      return paths;
    });
  }

  #info(binary: string, path: string): Promise<EmulatorInfo> {
    return remembered(this.#known, path, async () => {
      const { accelerators, ...probe } = await probeEmulator(binary, path, this.#options.cacheFolder);
      const isKvmUsable = accelerators.includes("kvm") && (await isKvmUsableBy(this.#options.uid));
      const usable = accelerators.filter((name) => name !== "kvm" || isKvmUsable);
      return { binary, path, ...probe, accelerators: usable };
    });
  }
}

/** A failure is not remembered, so that an emulator that is installed later is found. */
function remembered<Value>(
  known: Map<string, Promise<Value>>,
  key: string,
  find: () => Promise<Value>,
): Promise<Value> {
  const before = known.get(key);
  if (before) return before;
  const found = find();
  known.set(key, found);
  found.catch(() => known.delete(key));
  return found;
}

function forBoard(info: EmulatorInfo, boardName: string, { emulator }: BoardSpec): BoardEmulator {
  if (compareVersions(info.version, emulator.minVersion) < 0) {
    throw new FarmError("EmulatorTooOld", {
      binary: emulator.binary,
      actual: info.version,
      board: boardName,
      expected: emulator.minVersion,
      install: updateHint(emulator.binary, emulator.minVersion, { isOurs: info.farmRevision !== undefined }),
    });
  }
  const machine = emulator.machine.split(",", 1)[0] ?? "";
  if (!info.machines.includes(machine)) {
    const problem = `${emulator.binary} ${info.version} has no machine ${machine}`;
    throw new FarmError("BoardUnavailable", { board: boardName, problem });
  }
  const accelerator = emulator.accelerators.find((name) => info.accelerators.includes(name));
  if (accelerator === undefined) {
    const problem = `none of its accelerators (${emulator.accelerators.join(", ")}) can be used on this host`;
    throw new FarmError("BoardUnavailable", { board: boardName, problem });
  }
  return { info, accelerator };
}

/** Path of a program in the first folder that has it. */
export async function findProgram(name: string, searchPath: readonly string[]): Promise<string | undefined> {
  const [first] = await findPrograms(name, searchPath);
  return first;
}

/** Paths of a program, the same file once. Relative folders are left out: they lead anywhere. */
async function findPrograms(name: string, searchPath: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>();
  for (const folder of searchPath.filter(isAbsolute)) {
    const path = join(folder, name);
    if (!(await isProgram(path))) continue;
    const file = await realpath(path);
    if (!found.has(file)) found.set(file, path);
  }
  return [...found.values()];
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Not there, or not ours to run: the next folder may have it.
    return false;
  }
}

/** True when the machine has KVM and a process of this user, without further groups, may use it. */
async function isKvmUsableBy(uid: number | undefined): Promise<boolean> {
  try {
    if (!hasHardwareVirtualization(await readFile("/proc/cpuinfo", "utf8"), process.arch)) return false;
    if (uid === undefined) {
      await access(KVM_DEVICE, constants.R_OK | constants.W_OK);
      return true;
    }
    const { mode, uid: owner } = await stat(KVM_DEVICE);
    return (mode & 0o006) === 0o006 || (owner === uid && (mode & 0o600) === 0o600);
  } catch {
    // No such device, or not ours: there is another accelerator.
    return false;
  }
}
