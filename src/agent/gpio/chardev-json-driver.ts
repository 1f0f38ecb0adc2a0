import type { Socket } from "node:net";
import { FarmError } from "../../core/error/farm-error.ts";
import { changesBetween, encodeInputs, GpioJsonDecoder, type LineWords, withLevel } from "../../core/gpio/gpio-json.ts";
import type { GpioLine, Level } from "../../core/gpio/gpio-line.ts";
import { encodePinLine, PinLineDecoder } from "../../core/gpio/line-protocol.ts";
import type { DriverOptions } from "./connect-driver.ts";
import type { EmulatorSeat } from "./emulator-seat.ts";
import type { DriverEdge, GpioAbilities, GpioLink } from "./gpio-driver.ts";
import { pinsSocket } from "./pins-socket.ts";
import { propertiesOf } from "./qom-lines.ts";

/** Property of the device that names its character device; released builds of the emulator have none. */
const PROPERTY = "chardev";

/**
 * Pins by the character device that some builds of Espressif's emulator give their GPIO. What it speaks shows with its
 * first line: JSON, or the line protocol.
 * @throws {FarmError} PinsFailed, NotSupportedHere
 */
export async function connectChardevJson(options: DriverOptions): Promise<GpioLink> {
  const { seat, gpio } = options;
  const device = gpio.ports[0]?.device ?? "";
  const properties = await propertiesOf(seat, device);
  if (!properties.some(({ name }) => name === PROPERTY)) {
    const problem = `this build of the emulator gives ${device} no property ${PROPERTY}, as no released one does`;
    throw new FarmError("NotSupportedHere", { what: "Pins", board: seat.boardName, problem });
  }
  return new ChardevLink(options, await pinsSocket(seat));
}

class ChardevLink implements GpioLink {
  readonly abilities: GpioAbilities;
  readonly #seat: EmulatorSeat;
  readonly #socket: Socket;
  readonly #onEdges: (edges: readonly DriverEdge[]) => void;
  readonly #json = new GpioJsonDecoder();
  readonly #lines = new PinLineDecoder("GPIO");
  #speaksLines = false;
  #outputs: LineWords = [0, 0];
  #inputs: LineWords = [0, 0];
  #lastDrive: Promise<unknown> = Promise.resolve();

  constructor({ seat, abilities, onEdges }: DriverOptions, socket: Socket) {
    this.abilities = abilities;
    this.#seat = seat;
    this.#socket = socket;
    this.#onEdges = onEdges;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    // The boot tells what became of its emulator.
    socket.on("error", () => {});
  }

  /** The device tells all lines with its first message; until then nobody knows. */
  observes(): boolean {
    return false;
  }

  drive({ number }: GpioLine, level: Level): Promise<void> {
    this.#inputs = withLevel(this.#inputs, number, level);
    const text = this.#speaksLines ? encodePinLine("SET", number, level) : encodeInputs(this.#inputs);
    // The device takes one line from each read and drops what came with it: the next goes out once it has turned.
    const driven = this.#lastDrive.then(async () => {
      this.#socket.write(text);
      await this.#seat.qmp.execute("query-status");
    });
    this.#lastDrive = driven.catch(() => {});
    return driven;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    const told = this.#lines.decode(chunk);
    if (told.length > 0) {
      this.#speaksLines = true;
      this.#onEdges(told.map(({ pin, level }) => ({ line: pin, level, timeNs: undefined })));
    }
    for (const outputs of this.#json.decode(chunk)) {
      const changes = changesBetween(this.#outputs, outputs);
      this.#outputs = outputs;
      if (changes.length > 0) this.#onEdges(changes.map((change) => ({ ...change, timeNs: undefined })));
    }
  }
}
