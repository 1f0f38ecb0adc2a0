import type { DriverEdge, GpioAbilities, GpioLink } from "./gpio-driver.ts";

/** A boot's end of the pins: how its driver gets at the emulator. */
export interface GpioSocket {
  readonly abilities: GpioAbilities;
  /**
   * Connects the driver; edges come as they are told, in order.
   * @throws {FarmError} PinsFailed, NotSupportedHere
   */
  connect(onEdges: (edges: readonly DriverEdge[]) => void): Promise<GpioLink>;
}

/** What a boot has of a bank that it is plugged into. */
export interface GpioPlug {
  /**
   * Before the guest's first instruction: its pins are watched and driven from there on.
   * @throws {FarmError} PinsFailed, NotSupportedHere
   */
  connect(): Promise<void>;
  /** The guest was reset, and stands still: its pins fall, and are driven anew before it goes on. */
  onReset(): Promise<void>;
  /** The guest has ended. */
  unplug(): void;
}

/** What a boot needs of a GPIO bank: a place to plug its pins in. */
export interface GpioPort {
  /** True where pins are watched from the guest's first instruction. */
  readonly isWanted: boolean;
  attach(boot: number, socket: GpioSocket): GpioPlug;
}
