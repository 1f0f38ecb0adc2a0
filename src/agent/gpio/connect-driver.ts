import type { GpioLine } from "../../core/gpio/gpio-line.ts";
import type { BoardGpio } from "../../core/schema/board-gpio.ts";
import type { GuestUart } from "../scenario/guest-control.ts";
import { connectChardevJson } from "./chardev-json-driver.ts";
import type { EmulatorSeat } from "./emulator-seat.ts";
import type { DriverEdge, GpioAbilities, GpioLink } from "./gpio-driver.ts";
import { connectLine } from "./line-driver.ts";
import { connectQom } from "./qom-driver.ts";
import { connectQtest } from "./qtest-driver.ts";

/** What a bank connects its driver for. */
export interface DriverNeeds {
  readonly gpio: BoardGpio;
  readonly lines: readonly GpioLine[];
  /** Lines that must be seen: where an emulator can watch one port only, it is theirs. */
  readonly wanted: readonly GpioLine[];
  /** UART that carries the line protocol. */
  readonly uart: GuestUart | undefined;
}

export interface DriverOptions extends DriverNeeds {
  readonly seat: EmulatorSeat;
  readonly abilities: GpioAbilities;
  /** Edges as they are told, in order. */
  onEdges(edges: readonly DriverEdge[]): void;
}

/**
 * Connects the driver of a board to one boot.
 * @throws {FarmError} PinsFailed, NotSupportedHere
 */
export async function connectDriver(options: DriverOptions): Promise<GpioLink> {
  switch (options.gpio.driver) {
    case "qtest":
      return connectQtest(options);
    case "qom":
      return connectQom(options);
    case "line":
      return connectLine(options);
    case "chardev-json":
      return connectChardevJson(options);
  }
}
