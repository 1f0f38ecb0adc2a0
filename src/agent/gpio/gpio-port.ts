import type { DriverNeeds } from "./connect-driver.ts";
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
  /** True once the driver is connected. */
  isConnected(): boolean;
  /**
   * Before the guest's first instruction: its pins are watched from there on. A reset follows, after which they are
   * driven.
   * @throws {FarmError} PinsFailed, NotSupportedHere
   */
  connect(): Promise<void>;
  /** The guest stands still and will be reset: what its pins told until now has been told, and they fall. */
  beforeReset(): Promise<void>;
  /** The guest was reset, and stands still: what is driven from outside is driven anew. */
  afterReset(): Promise<void>;
  /** The guest has ended. */
  unplug(): void;
}

/** What a boot needs of a GPIO bank: a place to plug its pins in. */
export interface GpioPort {
  /** True where pins are watched from the guest's first instruction. */
  readonly isWanted: boolean;
  /** What a driver is connected for; undefined: the board has no pins that can be reached. */
  readonly needs: DriverNeeds | undefined;
  attach(boot: number, socket: GpioSocket): GpioPlug;
}
