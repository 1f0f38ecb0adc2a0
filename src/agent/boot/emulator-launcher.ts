import { open } from "node:fs/promises";
import { hasSemihostingChannel } from "../../core/policy/text-channels.ts";
import { type EmulatorStart, emulatorArguments, type GuestRam } from "../emulator/emulator-arguments.ts";
import { EmulatorProcess, FIRST_CHANNEL_FD } from "../emulator/emulator-process.ts";
import type { BoardEmulator } from "../emulator/emulators.ts";
import { limitedCommand, memoryLimitMiB } from "../emulator/process-limits.ts";
import { slotEnvironment } from "../slot/orphans.ts";
import type { Slot } from "../slot/slot.ts";
import type { BootRequest } from "./boot.ts";
import { LiveEmulator } from "./live-emulator.ts";

/** Threads of an emulator: its CPUs, and a pool for its own I/O. Counted for the whole user. */
const MAX_PROCESSES = 256;
/** No emulator of a job writes much; a copy of a flash is the largest file. */
const MAX_FILE_MIB = 256;

/**
 * What is large goes back to the system when it is freed: glibc would keep a place of 31 MiB where QEMU has unpacked a
 * kernel, in each guest of a template.
 */
const ALLOCATOR = { MALLOC_MMAP_THRESHOLD_: String(1024 * 1024) };

/** QEMU opens a drive to read, and then anew to write: an inherited file must be there for both. */
const DRIVE_ACCESS = ["r", "r+"] as const;

/** What of a request decides how an emulator is started. */
export type LaunchRequest = Pick<
  BootRequest,
  "board" | "slot" | "firmware" | "network" | "onReset" | "hasDisplay" | "drives"
> & {
  readonly ram?: GuestRam | undefined;
};

export interface EmulatorLauncher {
  /** @throws {FarmError} EmulatorStartFailed */
  launch(request: LaunchRequest, emulator: BoardEmulator, start: EmulatorStart): Promise<LiveEmulator>;
  /** The same for two emulators of a slot that are started in the same way. */
  keyOf(request: LaunchRequest, emulator: BoardEmulator, start: EmulatorStart): string;
}

export interface EmulatorLauncherOptions {
  readonly prlimit: string;
  readonly answerTimeoutMs: number;
  readonly stopGraceMs: number;
  /** Told of bytes that came from a UART between two boots. */
  onStray?(bytes: number): void;
}

/** Starts emulators in slots: confined, limited, with a channel for QMP and one for each UART. */
export function createEmulatorLauncher(options: EmulatorLauncherOptions): EmulatorLauncher {
  const { prlimit, ...ofEach } = options;
  return {
    async launch(request, emulator, start) {
      const { slot, board } = request;
      const limits = {
        memoryMiB: memoryLimitMiB(board),
        // A file as memory, or the state of a guest with its memory in it.
        fileMiB: MAX_FILE_MIB + board.memory.ramMiB,
        processes: processLimit(slot),
      };
      await using opened = new AsyncDisposableStack();
      const files: number[] = [];
      for (const { path } of request.drives ?? []) {
        for (const access of DRIVE_ACCESS) files.push(opened.use(await open(path, access)).fd);
      }
      const process = await EmulatorProcess.start({
        command: limitedCommand(prlimit, limits, [emulator.info.path, ...argumentsOf(request, emulator, start)]),
        folder: slot.folder,
        uid: slot.uid,
        gid: slot.uid,
        environment: { ...slotEnvironment(slot.folder), ...ALLOCATOR },
        channels: 1 + board.uarts.length + (hasSemihostingText(board, emulator) ? 1 : 0),
        files,
      });
      return new LiveEmulator({ ...ofEach, emulator, process });
    },
    keyOf: (request, emulator, start) =>
      [emulator.info.sha256, memoryLimitMiB(request.board), ...argumentsOf(request, emulator, start)].join("\0"),
  };
}

function argumentsOf(request: LaunchRequest, emulator: BoardEmulator, start: EmulatorStart): string[] {
  const { info, accelerator } = emulator;
  const { board, firmware, network, onReset, hasDisplay = false, drives = [], ram } = request;
  const afterUartsFd = FIRST_CHANNEL_FD + 1 + board.uarts.length;
  const semihostingFd = hasSemihostingText(board, emulator) ? afterUartsFd : undefined;
  const firstFileFd = semihostingFd === undefined ? afterUartsFd : afterUartsFd + 1;
  return emulatorArguments({
    board,
    firmware,
    start,
    accelerator,
    hasSandbox: info.hasSandbox,
    isSemihostingConfined: info.farmRevision !== undefined,
    qmpFd: FIRST_CHANNEL_FD,
    uartFds: board.uarts.map((_, place) => FIRST_CHANNEL_FD + 1 + place),
    semihostingFd,
    network,
    onReset,
    hasDisplay,
    drives: drives.map(({ drive }, place) => ({
      drive,
      fds: DRIVE_ACCESS.map((_, way) => firstFileFd + place * DRIVE_ACCESS.length + way),
    })),
    ram,
  });
}

/** Stock QEMU has no way to give the text without giving files of the host. */
function hasSemihostingText(board: LaunchRequest["board"], { info }: BoardEmulator): boolean {
  return info.farmRevision !== undefined && hasSemihostingChannel(board);
}

/** Processes are counted by user: only where the slot has one to itself may they be limited. */
function processLimit(slot: Slot): number | undefined {
  return slot.uid === undefined ? undefined : MAX_PROCESSES;
}
