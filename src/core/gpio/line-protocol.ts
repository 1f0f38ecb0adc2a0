/**
 * The GPIO line protocol: ASCII lines that end in `\n`, over any stream of bytes. `GPIO <pin> <0|1>` comes from the
 * guest, `SET <pin> <0|1>` goes to it; `<pin>` is the board's own number. What is not of this form is ignored and
 * counted, never fatal.
 */

export type LineVerb = "GPIO" | "SET";

/** One line of the protocol, without its verb. */
export interface PinLine {
  readonly pin: number;
  readonly level: 0 | 1;
}

/** A number with more digits is no pin of any board. */
const MAX_PIN_DIGITS = 6;

const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

export function encodePinLine(verb: LineVerb, pin: number, level: 0 | 1): string {
  return `${verb} ${pin} ${level}\n`;
}

/** What a line has shown so far; `bad` waits for the line's end, however far that is. */
type Stage = "verb" | "pin" | "level" | "end" | "return" | "bad";

/**
 * Reads lines of one verb from a stream, whatever its chunks are. It holds nothing of a line but what it has
 * understood, so that a line without end costs nothing. `\r\n` is taken for `\n`: a guest's terminal driver writes it so.
 */
export class PinLineDecoder {
  readonly #opening: Uint8Array;
  #stage: Stage = "verb";
  #at = 0;
  #pin = 0;
  #level: 0 | 1 = 0;
  #ignoredLines = 0;

  constructor(verb: LineVerb) {
    this.#opening = Uint8Array.from(`${verb} `, (character) => character.charCodeAt(0));
  }

  /** Lines that were not of the form. */
  get ignoredLines(): number {
    return this.#ignoredLines;
  }

  /** The lines that this chunk completes. */
  decode(chunk: Uint8Array): PinLine[] {
    const lines: PinLine[] = [];
    for (const byte of chunk) {
      if (byte === LINE_FEED) this.#endLine(lines);
      else this.#stage = this.#next(byte);
    }
    return lines;
  }

  #endLine(lines: PinLine[]): void {
    if (this.#stage === "end" || this.#stage === "return") lines.push({ pin: this.#pin, level: this.#level });
    else this.#ignoredLines += 1;
    this.#stage = "verb";
    this.#at = 0;
    this.#pin = 0;
  }

  #next(byte: number): Stage {
    switch (this.#stage) {
      case "verb":
        return this.#inVerb(byte);
      case "pin":
        return this.#inPin(byte);
      case "level":
        if (byte !== ZERO && byte !== ZERO + 1) return "bad";
        this.#level = byte === ZERO ? 0 : 1;
        return "end";
      case "end":
        return byte === CARRIAGE_RETURN ? "return" : "bad";
      case "return":
      case "bad":
        return "bad";
    }
  }

  #inVerb(byte: number): Stage {
    if (byte !== this.#opening[this.#at]) return "bad";
    this.#at += 1;
    if (this.#at < this.#opening.length) return "verb";
    this.#at = 0;
    return "pin";
  }

  #inPin(byte: number): Stage {
    if (byte === SPACE) return this.#at > 0 ? "level" : "bad";
    if (byte < ZERO || byte > NINE || this.#at === MAX_PIN_DIGITS) return "bad";
    this.#at += 1;
    this.#pin = this.#pin * 10 + byte - ZERO;
    return "pin";
  }
}
