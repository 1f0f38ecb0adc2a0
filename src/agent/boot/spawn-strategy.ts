import { FarmError } from "../../core/error/farm-error.ts";
import { emulatorArguments } from "../emulator/emulator-arguments.ts";
import { EmulatorProcess, FIRST_CHANNEL_FD } from "../emulator/emulator-process.ts";
import type { BoardEmulator, Emulators } from "../emulator/emulators.ts";
import { limitedCommand, memoryLimitMiB } from "../emulator/process-limits.ts";
import { slotEnvironment } from "../slot/orphans.ts";
import type { Slot } from "../slot/slot.ts";
import type { BootRequest, BootStrategy } from "./boot.ts";
import { prepareFirmware } from "./flash-image.ts";
import { SpawnedBoot } from "./spawned-boot.ts";

/** Threads of an emulator: its CPUs, and a pool for its own I/O. Counted for the whole user. */
const MAX_PROCESSES = 256;
/** No emulator of a job writes much; a copy of a flash is the largest file. */
const MAX_FILE_MIB = 256;

export interface SpawnStrategyDependencies {
  readonly emulators: Emulators;
  /** Path of util-linux' prlimit. */
  readonly prlimit: string;
  /** How long an emulator may take until its QMP answers; default 60 s. */
  readonly answerTimeoutMs?: number;
  /** How long an emulator may take to end when asked to; default 2 s. */
  readonly stopGraceMs?: number;
}

/** An emulator process for each boot. */
export function createSpawnStrategy(dependencies: SpawnStrategyDependencies): BootStrategy {
  const { emulators, prlimit, answerTimeoutMs = 60_000, stopGraceMs = 2_000 } = dependencies;
  return {
    name: "spawn",
    async boot(request, progress) {
      const { board, boardName, slot } = request;
      if (request.network !== "none" && board.network === undefined) {
        throw new FarmError("NotSupportedByBoard", {
          what: `network: ${request.network}`,
          board: boardName,
          problem: "it has no network device",
        });
      }
      await sweep(slot);
      const emulator = await emulators.forBoard(boardName, board);
      const firmware = request.firmware && (await prepareFirmware(request, request.firmware));
      progress.signal.throwIfAborted();
      const process = await EmulatorProcess.start({
        command: command(prlimit, emulator, { ...request, firmware }),
        folder: slot.folder,
        uid: slot.uid,
        gid: slot.uid,
        environment: slotEnvironment(slot.folder),
        channels: 1 + request.uarts.length,
      });
      return new SpawnedBoot(process, request, { answerTimeoutMs, stopGraceMs });
    },
  };
}

/** A slot that could not be emptied after its last guest must not show its remains to the next. */
async function sweep(slot: Slot): Promise<void> {
  try {
    await slot.sweep();
  } catch (cause) {
    const detail = `the folder of slot ${slot.index} cannot be emptied: ${(cause as Error).message}`;
    throw new FarmError("EmulatorStartFailed", { detail }, { cause });
  }
}

function command(prlimit: string, { info, accelerator }: BoardEmulator, request: BootRequest): [string, ...string[]] {
  const { board, slot } = request;
  const args = emulatorArguments({
    board,
    firmware: request.firmware,
    accelerator,
    hasSandbox: info.hasSandbox,
    qmpFd: FIRST_CHANNEL_FD,
    uartFds: request.uarts.map((_, place) => FIRST_CHANNEL_FD + 1 + place),
    network: request.network,
    onReset: request.onReset,
  });
  const limits = {
    memoryMiB: memoryLimitMiB(board),
    fileMiB: MAX_FILE_MIB,
    processes: processLimit(slot),
  };
  return limitedCommand(prlimit, limits, [info.path, ...args]);
}

/** Processes are counted by user: only where the slot has one to itself may they be limited. */
function processLimit(slot: Slot): number | undefined {
  return slot.uid === undefined ? undefined : MAX_PROCESSES;
}
