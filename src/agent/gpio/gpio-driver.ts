import type { GpioLine, Level } from "../../core/gpio/gpio-line.ts";
import { type BoardGpio, directionsOf, type GpioDriverName } from "../../core/schema/board-gpio.ts";

/** What a way to reach pins can do. */
export interface GpioAbilities {
  /** edges: each change is told; levels: a level is found out when somebody asks; none: outputs are not seen. */
  readonly observes: "edges" | "levels" | "none";
  readonly drives: boolean;
  /** A line that is driven can interrupt the guest. */
  readonly raisesInterrupts: boolean;
  /** Edges have the guest's own time. */
  readonly timestamps: boolean;
  /** Ports of the board whose outputs are seen at the same time. */
  readonly ports: "one" | "all";
}

/** What the emulator of a board makes of its driver; the farm's own tells time and watches several devices. */
export function gpioAbilities(gpio: BoardGpio, { isFarmEmulator }: { isFarmEmulator: boolean }): GpioAbilities {
  const hasOutputs = gpio.ports.some((port) => directionsOf(port).includes("out"));
  const drives = gpio.ports.some((port) => directionsOf(port).includes("in"));
  return {
    observes: hasOutputs ? OBSERVES[gpio.driver] : "none",
    drives,
    raisesInterrupts: drives && gpio.raisesInterrupts,
    timestamps: gpio.driver === "qtest" && hasOutputs && isFarmEmulator,
    ports: gpio.driver === "qtest" && !isFarmEmulator && gpio.ports.length > 1 ? "one" : "all",
  };
}

const OBSERVES: Record<GpioDriverName, GpioAbilities["observes"]> = {
  qtest: "edges",
  qom: "levels",
  line: "edges",
  "chardev-json": "edges",
};

/** Edges as a driver tells them: what it cannot know is the bank's to add. */
export interface DriverEdge {
  readonly line: number;
  readonly level: Level;
  /** The guest's own time since its boot began, in nanoseconds; undefined: nobody tells it. */
  readonly timeNs: number | undefined;
}

/** The pins of one boot, by its driver. */
export interface GpioLink {
  readonly abilities: GpioAbilities;
  /** Lines whose outputs are seen; others have no level but what they are driven to. */
  observes(line: GpioLine): boolean;
  /**
   * Settles when the emulator has taken it.
   * @throws {FarmError} PinsFailed
   */
  drive(line: GpioLine, level: Level): Promise<void>;
  /** The level now, for drivers that observe levels only. @throws {FarmError} PinsFailed */
  read?(line: GpioLine): Promise<Level>;
  /** The guest's own time since its boot began, in nanoseconds; undefined: nobody tells it. */
  guestTimeNs?(): Promise<number | undefined>;
  /** Settles when all that the guest has done until now has been told. */
  settle?(): Promise<void>;
  /** The guest stands still and will be reset: settles when all it has told is here, and levels begin anew. */
  renew?(): Promise<void>;
  /** The boot has ended, or nobody asks any more. */
  [Symbol.dispose]?(): void;
}
