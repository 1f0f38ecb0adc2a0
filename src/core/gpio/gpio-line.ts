import { FarmError } from "../error/farm-error.ts";
import { nearestName } from "../policy/nearest-name.ts";
import { type BoardGpio, directionsOf, type GpioPortSpec } from "../schema/board-gpio.ts";

export type Level = 0 | 1;

/** A line of a board's pins. */
export interface GpioLine {
  /** The board's own number; no two lines of a board have the same. */
  readonly number: number;
  /** Its systematic name, such as PA5: the port's prefix and the index. */
  readonly name: string;
  /** Its name on the board, such as LED1, where it has one. */
  readonly label: string | undefined;
  readonly description: string | undefined;
  readonly port: GpioPortSpec;
  /** Place in its port, from 0. */
  readonly index: number;
  /** It can be driven from outside. */
  readonly isInput: boolean;
  /** What the guest makes of it is seen outside. */
  readonly isOutput: boolean;
  /** Level that the board itself gives it. */
  readonly idle: Level | undefined;
}

/** The lines of a board, by number and by name. */
export class GpioLines {
  readonly all: readonly GpioLine[];
  readonly #byNumber: ReadonlyMap<number, GpioLine>;
  readonly #byName = new Map<string, GpioLine>();
  readonly #boardName: string;

  constructor(boardName: string, gpio: BoardGpio | undefined) {
    this.#boardName = boardName;
    this.all = gpio === undefined ? [] : linesOf(gpio);
    this.#byNumber = new Map(this.all.map((line) => [line.number, line]));
    for (const line of this.all) {
      this.#byName.set(line.name.toLowerCase(), line);
      if (line.label !== undefined) this.#byName.set(line.label.toLowerCase(), line);
    }
  }

  /** The line of this number. */
  at(number: number): GpioLine | undefined {
    return this.#byNumber.get(number);
  }

  /**
   * The line of this number, of this number as text, or of this name, in whatever case.
   * @throws {FarmError} UnknownPin
   */
  find(pin: number | string): GpioLine {
    const text = String(pin).trim();
    const found = this.#byName.get(text.toLowerCase()) ?? (/^\d+$/.test(text) ? this.at(Number(text)) : undefined);
    if (found) return found;
    throw new FarmError("UnknownPin", { board: this.#boardName, pin: text.slice(0, 64), hint: this.#hint(text) });
  }

  #hint(text: string): string {
    if (this.all.length === 0) return " The board's pins cannot be reached.";
    const nearest = nearestName(text.toLowerCase().slice(0, 64), this.#byName.keys());
    const line = nearest === undefined ? undefined : this.#byName.get(nearest);
    if (line) return ` Did you mean ${lineInWords(line)}?`;
    const [first] = this.all;
    const last = this.all.at(-1);
    return first && last ? ` It has ${this.all.length} lines, ${lineInWords(first)} to ${lineInWords(last)}.` : "";
  }
}

/** How a line is called in messages: its names and its number. */
export function lineInWords({ number, name, label }: Pick<GpioLine, "number" | "name" | "label">): string {
  return label === undefined ? `${name} (${number})` : `${label} (${name}, ${number})`;
}

function linesOf({ ports, lines }: BoardGpio): GpioLine[] {
  const named = new Map(lines.map((line) => [line.number, line]));
  return ports
    .flatMap((port) =>
      Array.from({ length: port.lines }, (_, index): GpioLine => {
        const number = (port.first ?? 0) + index;
        const own = named.get(number);
        return {
          number,
          name: `${port.prefix}${index}`,
          label: own?.name,
          description: own?.description,
          port,
          index,
          isInput: directionsOf(port).includes("in"),
          isOutput: directionsOf(port).includes("out"),
          idle: own?.idle,
        };
      }),
    )
    .sort((left, right) => left.number - right.number);
}
