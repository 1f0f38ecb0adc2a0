import type { BoardSpec } from "../../core/schema/board.ts";

/**
 * Room for what an emulator allocates and hardly touches: flash and RAM of the machine that no board's description
 * counts (half a GiB on some), the buffer of translated code, stacks. A limit by allocation must leave room for it.
 */
const UNTOUCHED_MIB = 768;

/** What one emulator may take of the host. */
export interface ProcessLimits {
  /** Memory that the process may allocate (RLIMIT_DATA): what it writes to, not what it maps to read. */
  readonly memoryMiB: number;
  /** Largest file that it may write. */
  readonly fileMiB: number;
  /** Processes and threads of its user; undefined where the user has other programs too. */
  readonly processes: number | undefined;
}

/**
 * Puts limits in front of a command, by util-linux' `prlimit`, which then becomes the command: same process id.
 * RLIMIT_DATA rather than RLIMIT_AS, since an emulator maps gigabytes of libraries and reserves that it never
 * touches. No core files: an aborting emulator would write its guest's memory to the disk.
 */
export function limitedCommand(
  prlimit: string,
  limits: ProcessLimits,
  command: readonly [string, ...string[]],
): [string, ...string[]] {
  return [
    prlimit,
    `--data=${limits.memoryMiB * 1024 * 1024}`,
    `--fsize=${limits.fileMiB * 1024 * 1024}`,
    "--core=0",
    ...(limits.processes === undefined ? [] : [`--nproc=${limits.processes}`]),
    "--",
    ...command,
  ];
}

/** Memory in MiB that an emulator of this board may allocate. */
export function memoryLimitMiB({ memory, overheadMiB }: Pick<BoardSpec, "memory" | "overheadMiB">): number {
  return memory.ramMiB + overheadMiB + UNTOUCHED_MIB;
}
