import type { BootStrategyName } from "../../core/schema/boot-strategy.ts";
import type { BoardEmulator, Emulators } from "../emulator/emulators.ts";
import type { Progress } from "../progress.ts";
import type { SnapshotStore } from "../snapshot/snapshot-store.ts";
import type { Boot, BootRequest, BootStrategy } from "./boot.ts";
import { chooseStrategy } from "./choose-strategy.ts";
import { createEmulatorLauncher } from "./emulator-launcher.ts";
import { recycledBoot } from "./recycled-boot.ts";
import { type RestoredParts, restoredBoot } from "./restored-boot.ts";
import { spareBoot } from "./spare-boot.ts";
import { spawnedBoot } from "./spawned-boot.ts";
import { Standby } from "./standby.ts";

export interface BootStrategyDependencies {
  readonly emulators: Emulators;
  readonly snapshots: SnapshotStore;
  /** Path of util-linux' prlimit. */
  readonly prlimit: string;
  /** How long an emulator may take until its QMP answers; default 60 s. */
  readonly answerTimeoutMs?: number;
  /** How long an emulator may take to end when asked to; default 2 s. */
  readonly stopGraceMs?: number;
  /** A slot that stays free so long gets an emulator that waits for the board that it had last; default 100 ms. */
  readonly spareAfterMs?: number;
  /** Told of bytes that came from a UART between two boots; nobody gets them. */
  onStray?(bytes: number): void;
}

/** Boots guests in the way that is asked for, and keeps what the next boot can use. */
export function createBootStrategy(dependencies: BootStrategyDependencies): BootStrategy & AsyncDisposable {
  const { emulators, snapshots, prlimit, onStray } = dependencies;
  const { answerTimeoutMs = 60_000, stopGraceMs = 2_000, spareAfterMs = 100 } = dependencies;
  const launcher = createEmulatorLauncher({ prlimit, answerTimeoutMs, stopGraceMs, ...(onStray && { onStray }) });
  const standby = new Standby();
  const parts: RestoredParts = { launcher, standby, snapshots, stopGraceMs, spareAfterMs };
  return {
    async boot(request, progress) {
      const emulator = await emulators.forBoard(request.boardName, request.board);
      const strategy = chooseStrategy(request, emulator);
      progress.signal.throwIfAborted();
      return bootBy(strategy, parts, request, emulator, progress);
    },
    rank: (slot, wanted) => standby.rank(slot, wanted),
    [Symbol.asyncDispose]: () => standby[Symbol.asyncDispose](),
  };
}

async function bootBy(
  strategy: BootStrategyName,
  parts: RestoredParts,
  request: BootRequest,
  emulator: BoardEmulator,
  progress: Progress,
): Promise<Boot> {
  const { firmware } = request;
  if (firmware === undefined || strategy === "spawn") {
    await parts.standby.take(request.slot, undefined);
    return spawnedBoot(parts, request, emulator);
  }
  const plan = { request, emulator, firmware };
  if (strategy === "recycle") return recycledBoot(parts, plan);
  if (strategy === "spare") return spareBoot(parts, plan);
  return restoredBoot(parts, plan, strategy, progress);
}
