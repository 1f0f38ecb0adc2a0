import type { DecidingText } from "../../core/policy/deciding-text.ts";
import type { BoardSpec, FirmwareFormat } from "../../core/schema/board.ts";
import type { BootStrategyName } from "../../core/schema/boot-strategy.ts";
import type { GuestExit } from "../../core/wire/attempt.ts";
import type { BoardEmulator } from "../emulator/emulators.ts";
import type { GpioPort } from "../gpio/gpio-port.ts";
import type { Progress } from "../progress.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";
import type { Slot } from "../slot/slot.ts";
import type { DriveFile } from "../storage/instance-drives.ts";
import type { UartPort } from "../uart/uart-port.ts";

/** Files of a firmware on this machine, checked and readable by the slot. */
export interface FirmwareFiles {
  readonly image: string;
  readonly format: FirmwareFormat;
  readonly initrd?: string;
  readonly dtb?: string;
  readonly append?: string;
  /** Digests of the image, the RAM disk and the device tree; without them no snapshot is made. */
  readonly identity?: string;
}

/**
 * The way to boot that is asked for: one; or auto, the cheapest that the board is proven for; or live, the cheapest of
 * those that begin with the guest's first instruction, here and now, and not with the state of an earlier boot.
 */
export type WantedStrategy = "auto" | "live" | BootStrategyName;

export interface BootRequest {
  /** Whose guest it is: no process and no memory is handed on from one tenant to another. */
  readonly tenant: string;
  readonly strategy: WantedStrategy;
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
  /** Flash, fuses and card that keep what the guest writes. */
  readonly drives?: readonly DriveFile[] | undefined;
  /** Something will be timed by the guest's own clock. */
  readonly needsGuestTime?: boolean;
  /** What the guest says by semihosting will be looked at. */
  readonly needsSemihosting?: boolean;
  /** Somebody will look at the board's display. */
  readonly hasDisplay?: boolean;
  /** Once the guest has written it, nobody is interested any more in what it does. */
  readonly decidingText?: DecidingText | undefined;
  /** One for each UART of the board, and behind them one for its semihosting, where it has that (`textChannels`). */
  readonly uarts: readonly UartPort[];
  /** The board's pins; without it nobody asks for them. */
  readonly gpio?: GpioPort | undefined;
  readonly events: BootEvents;
}

/** Told as it happens; none of them may throw. */
export interface BootEvents {
  /** The guest reset; called at most a few times a second, with the count so far. */
  onReset?(resets: number): void;
  /** Before the guest of this boot is there, another one must come so far, in words; undefined: it has. */
  onStartWaits?(what: string | undefined): void;
  onPaused?(): void;
  onResumed?(): void;
}

/** One boot of a guest, from power-on until the guest ends or is stopped. */
export interface Boot extends AsyncDisposable {
  readonly number: number;
  /** The way it was booted. */
  readonly strategy: BootStrategyName;
  /** What it runs in. */
  readonly emulator: BoardEmulator;
  /** The emulator process that serves this boot; a recycled one serves several, one after another. */
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
   * Somebody from outside may have changed the emulator, or the guest got out of hand: its process serves no other
   * boot.
   */
  spoil(): void;
  /**
   * Ends the guest: asks at once, forces later. Settles with how it ended: `Stopped` unless it had ended by itself.
   * The slot can take its next boot afterwards.
   */
  stop(): Promise<GuestExit>;
}

/** Gets guests booted. Whatever the way, one conformance suite is passed. */
export interface BootStrategy {
  /**
   * Boots a guest. Settles as soon as the emulator has been started; `running` and `exited` tell the rest.
   * @throws {FarmError} EmulatorMissing, EmulatorTooOld, EmulatorStartFailed, NotSupportedByBoard, NotSupportedHere
   */
  boot(request: BootRequest, progress: Progress): Promise<Boot>;
  /** How well a free slot suits a boot: best where an emulator waits that it can have, worst where another one does. */
  rank(slot: Slot, wanted: Pick<BootRequest, "tenant" | "boardName">): number;
}
