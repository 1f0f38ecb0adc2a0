import type { BoardSpec, FirmwareFormat } from "../../core/schema/board.ts";
import type { GuestExit } from "../../core/wire/attempt.ts";
import type { Progress } from "../progress.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";
import type { Slot } from "../slot/slot.ts";
import type { UartPort } from "../uart/uart-port.ts";

/** Files of a firmware on this machine, checked and readable by the slot. */
export interface FirmwareFiles {
  readonly image: string;
  readonly format: FirmwareFormat;
  readonly initrd?: string;
  readonly dtb?: string;
  readonly append?: string;
}

export interface BootRequest {
  /** Number of the boot, counted up within an attempt or instance. */
  readonly boot: number;
  readonly slot: Slot;
  readonly boardName: string;
  readonly board: BoardSpec;
  readonly firmware: FirmwareFiles | undefined;
  /** Start with the CPU stopped. */
  readonly isPaused: boolean;
  readonly network: "none" | "isolated" | "egress";
  /** What a guest's reset means: it goes on, or it is the end. */
  readonly onReset: "continue" | "end";
  readonly maxResets: number;
  /** One for each UART of the board. */
  readonly uarts: readonly UartPort[];
  readonly events: BootEvents;
}

/** Told as it happens; none of them may throw. */
export interface BootEvents {
  /** The guest reset; called at most a few times a second, with the count so far. */
  onReset?(resets: number): void;
  onPaused?(): void;
  onResumed?(): void;
}

/** One boot of a guest, from power-on until the guest ends or is stopped. */
export interface Boot extends AsyncDisposable {
  readonly number: number;
  /** The emulator process that serves this boot; recycling strategies serve several boots by one process. */
  readonly pid: number;
  readonly resets: number;
  /** QMP of the emulator, with requests of this boot only. */
  readonly qmp: QmpSession;
  /** Settles once QMP has answered; rejects with a FarmError where the emulator refused. */
  readonly running: Promise<void>;
  /** Settles once the guest has ended and its last bytes are in the hubs; never rejects. */
  readonly exited: Promise<GuestExit>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  reset(): Promise<void>;
  /**
   * Ends the guest: first asks, then forces. Settles with how it ended: `Stopped` unless it had ended by itself.
   * The slot can take its next boot afterwards.
   */
  stop(): Promise<GuestExit>;
}

/** A way to get a guest booted. All strategies pass one conformance suite. */
export interface BootStrategy {
  readonly name: "spawn";
  /**
   * Boots a guest. Settles as soon as the emulator has been started; `running` and `exited` tell the rest.
   * @throws {FarmError} EmulatorMissing, EmulatorTooOld, EmulatorStartFailed
   */
  boot(request: BootRequest, progress: Progress): Promise<Boot>;
}
