import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { textChannels } from "../../core/policy/text-channels.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import { formatDuration } from "../../core/schema/duration.ts";
import type { Boot } from "../boot/boot.ts";
import { readyInWords, watchReady } from "../boot/ready-watch.ts";
import { programOutput } from "../emulator/program-output.ts";
import type { Progress } from "../progress.ts";
import type { Slot } from "../slot/slot.ts";
import type { UartPort } from "../uart/uart-port.ts";
import { CapturedUart } from "./captured-uart.ts";
import { saveState } from "./migration.ts";
import type { MadeSnapshot } from "./snapshot-store.ts";

/** Names of the files that the emulator writes in its slot. */
export const RAM_IN_SLOT = "ram.img";
const STATE_IN_SLOT = "state.img";

export interface SnapshotMaking {
  readonly board: BoardSpec;
  readonly slot: Slot;
  readonly isTemplate: boolean;
  /** Where `state` and `ram` go. */
  readonly folder: string;
  readonly progress: Progress;
  /** UARTs of the boot that waits for the snapshot: where none is made, they show what the guest said. */
  readonly shownOn: readonly UartPort[];
  /** Boots the guest cold, in the slot. */
  boot(uarts: readonly CapturedUart[]): Promise<Boot>;
}

/**
 * Boots a guest cold until its ready pattern has come, and writes down its state.
 * @throws {FarmError} SnapshotFailed, or the progress' reason
 */
export async function makeSnapshot(making: SnapshotMaking): Promise<MadeSnapshot> {
  const { board, slot, isTemplate, folder, progress, shownOn } = making;
  progress.signal.throwIfAborted();
  const begunMs = performance.now();
  const uarts = textChannels(board).map((name) => new CapturedUart(name));
  const ready = Promise.withResolvers<void>();
  const stopWatching = watchReady({ board, uarts, onReady: ready.resolve, onError: ready.reject });
  let isShown = false;
  const show = () => {
    if (isShown) return;
    isShown = true;
    for (const uart of uarts) shownOn.find(({ name }) => name === uart.name)?.replay(uart.output);
  };
  const onAbort = () => {
    // Now: whoever is told of the end takes no byte after it.
    show();
    ready.reject(progress.signal.reason as Error);
  };
  progress.signal.addEventListener("abort", onAbort, { once: true });
  // Whoever waits below gets it; a boot that fails at once must not leave it without one.
  ready.promise.catch(() => {});
  try {
    await using boot = await making.boot(uarts);
    void boot.exited.then(({ reason, detail: words }) => {
      const end = `the guest ended first (${reason}${words === undefined ? "" : `: ${words}`})`;
      const elapsed = formatDuration(performance.now() - begunMs);
      const missing = board.ready === undefined ? "" : `, and ${readyInWords(board.ready)} had not come in ${elapsed}`;
      ready.reject(new FarmError("SnapshotFailed", { detail: `${end}${missing}` }));
    });
    await boot.running;
    await ready.promise;
    await boot.pause();
    const outputs = new Map(uarts.map((uart) => [uart.name, uart.output]));
    await saveState(boot.qmp, { path: STATE_IN_SLOT, isTemplate, signal: progress.signal });
    await fetchFile(join(slot.folder, STATE_IN_SLOT), join(folder, "state"));
    if (isTemplate) await fetchFile(join(slot.folder, RAM_IN_SLOT), join(folder, "ram"));
    return { outputs };
  } catch (cause) {
    show();
    if (cause instanceof FarmError) throw cause;
    throw new FarmError("SnapshotFailed", { detail: (cause as Error).message }, { cause });
  } finally {
    stopWatching();
    progress.signal.removeEventListener("abort", onAbort);
  }
}

/** Copies what an emulator wrote, holes left out: most of a guest's memory is one. */
async function fetchFile(from: string, to: string): Promise<void> {
  const { code, stderr } = await programOutput("cp", ["--sparse=always", "--reflink=auto", from, to]);
  if (code !== 0) throw new FarmError("SnapshotFailed", { detail: `it could not be stored: ${stderr.trim()}` });
}
