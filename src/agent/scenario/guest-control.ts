import type { GuestExit } from "../../core/wire/attempt.ts";
import type { ArtifactSink } from "./artifact-sink.ts";
import type { GuestParts } from "./guest-parts.ts";

/** What the scenario runner may do with a guest. Attempts provide it; a fake provides it in unit tests. */
export interface GuestControl {
  readonly uarts: ReadonlyMap<string, GuestUart>;
  /** Name of the board's console. */
  readonly console: string;
  readonly pins: GuestPins;
  /** The circuit around the board; undefined: the scenario has none. */
  readonly parts?: GuestParts | undefined;
  /** Where steps put files that people want to see afterwards. */
  readonly artifacts: ArtifactSink;
  /** How the current boot ended, once it has; a power cycle makes a new promise. */
  exited(): Promise<GuestExit>;
  power(state: "on" | "off" | "cycle"): Promise<void>;
  reset(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /**
   * Calls back once so much of the guest's own time has passed, since now or since its last power-on. It stands still
   * while the CPU does. Returns how to take it back.
   */
  afterGuestTime(ms: number, onPassed: () => void): () => void;
  /** @throws {FarmError} QmpCommandRefused, QmpFailed */
  qmp(command: string, args?: Record<string, unknown>): Promise<unknown>;
  /** The value of a property, by the QOM path of its object. @throws {FarmError} PropertyUnknown, BoardOff */
  getProperty(path: string, name: string): Promise<unknown>;
  /** @throws {FarmError} PropertyRefused, PropertyUnknown, BoardOff */
  setProperty(path: string, name: string, value: unknown): Promise<void>;
  /** What the display shows, as PNG. @throws {FarmError} ScreenshotFailed, NotSupportedByBoard, BoardOff */
  screenshot(): Promise<Buffer>;
}

/** The board's pins as the scenario runner sees them; by number or name. */
export interface GuestPins {
  /** The line's level now; undefined: nobody knows. @throws {FarmError} UnknownPin, PinsFailed */
  read(pin: number | string): Promise<0 | 1 | undefined>;
  /** Settles when the emulator has taken it. @throws {FarmError} UnknownPin, PinNotDrivable, PinsFailed */
  drive(pin: number | string, level: 0 | 1): Promise<void>;
  /** Drives it for a time; settles when that has begun. @throws {FarmError} UnknownPin, PinNotDrivable, PinsFailed */
  pulse(pin: number | string, level: 0 | 1, durationMs: number): Promise<void>;
  /** Told after each change of any line, synchronously. Returns how to stop. */
  onEdges(listener: () => void): () => void;
}

/** A UART as the scenario runner sees it. */
export interface GuestUart {
  /** Every byte that the guest writes, in order, called at once and synchronously. Returns how to stop. */
  onData(listener: (chunk: Buffer) => void): () => void;
  /** Settles when the line to the guest has taken the bytes; the hub kicks the emulator until the guest had its chance. */
  write(bytes: Uint8Array): Promise<void>;
}
