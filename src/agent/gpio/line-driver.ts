import { FarmError } from "../../core/error/farm-error.ts";
import { encodePinLine, PinLineDecoder } from "../../core/gpio/line-protocol.ts";
import type { DriverOptions } from "./connect-driver.ts";
import type { EmulatorSeat } from "./emulator-seat.ts";
import type { GpioLink } from "./gpio-driver.ts";

/**
 * Pins by the line protocol over a UART of the guest, in which a shim stands in for the devices that the emulator does
 * not have. What is written before the guest reads it waits for it.
 * @throws {FarmError} PinsFailed
 */
export function connectLine({ gpio, seat, abilities, uart, onEdges }: DriverOptions): GpioLink {
  if (!uart)
    throw new FarmError("PinsFailed", { board: seat.boardName, detail: `there is no UART ${gpio.uart ?? ""}` });
  let decoder = new PinLineDecoder("GPIO");
  const stopListening = uart.onData((chunk) => {
    const lines = decoder.decode(chunk);
    if (lines.length > 0) onEdges(lines.map(({ pin, level }) => ({ line: pin, level, timeNs: undefined })));
  });
  return {
    abilities,
    // Nobody knows how a line stands until the shim tells it.
    observes: () => false,
    async drive({ number }, level) {
      // Taken when the guest reads it, which may be long after: nobody waits for that.
      uart.write(Buffer.from(encodePinLine("SET", number, level))).catch(() => {});
    },
    settle: () => heardOut(seat),
    // The shim forgets at a reset what was set, and half a line that it wrote before is no beginning of the next one.
    async renew() {
      await heardOut(seat);
      decoder = new PinLineDecoder("GPIO");
    },
    [Symbol.dispose]: stopListening,
  };
}

/** What the guest has written lies in its socket once the emulator answers: a turn of the event loop reads it. */
async function heardOut({ qmp, boardName }: EmulatorSeat): Promise<void> {
  try {
    await qmp.execute("query-status");
  } catch (cause) {
    throw new FarmError("PinsFailed", { board: boardName, detail: (cause as Error).message }, { cause });
  }
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}
