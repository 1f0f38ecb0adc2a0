import type { TimestampFormat } from "./timestamp.ts";
import { createTimestamps } from "./timestamp.ts";

export interface ConsoleScreenOptions {
  /** Names of the UARTs that are shown, in their order. Where there are several, each line begins with its own. */
  readonly uarts: readonly string[];
  readonly timestamps?: TimestampFormat | undefined;
  /** Colours a name, by its place. */
  paint(text: string, place: number): string;
  now?(): Date;
}

const LINE_FEED = 0x0a;

/**
 * Puts the output of UARTs on one screen. One alone and without times passes as it is. Else each line begins with
 * what it is; a line that another UART cuts short goes on as a new one.
 */
export class ConsoleScreen {
  readonly #options: ConsoleScreenOptions;
  readonly #stamp: (() => string) | undefined;
  readonly #isPlain: boolean;
  readonly #width: number;
  #isLineStart = true;
  #current: string | undefined;

  constructor(options: ConsoleScreenOptions) {
    this.#options = options;
    this.#stamp = options.timestamps && createTimestamps(options.timestamps, options.now);
    this.#isPlain = options.uarts.length === 1 && this.#stamp === undefined;
    this.#width = Math.max(...options.uarts.map((name) => name.length));
  }

  /** What is written for this output. */
  show(uart: string, chunk: Uint8Array): Uint8Array {
    if (this.#isPlain) return chunk;
    const parts: Uint8Array[] = [];
    if (this.#current !== uart) {
      if (!this.#isLineStart) parts.push(Buffer.from("\r\n"));
      this.#isLineStart = true;
      this.#current = uart;
    }
    for (let at = 0; at < chunk.length; ) {
      const feed = chunk.indexOf(LINE_FEED, at);
      const end = feed === -1 ? chunk.length : feed + 1;
      if (this.#isLineStart) parts.push(Buffer.from(this.#prefix(uart)));
      parts.push(chunk.subarray(at, end));
      this.#isLineStart = feed !== -1;
      at = end;
    }
    return Buffer.concat(parts);
  }

  /** What stands before words of the console's own, so that they begin a line; the output goes on after them. */
  interrupt(): string {
    if (this.#isPlain) return "\r\n";
    const isWithin = !this.#isLineStart;
    this.#isLineStart = true;
    return isWithin ? "\r\n" : "";
  }

  #prefix(uart: string): string {
    const { uarts, paint } = this.#options;
    const time = this.#stamp ? `[${this.#stamp()}] ` : "";
    if (uarts.length === 1) return time;
    return `${time}${paint(uart.padEnd(this.#width), uarts.indexOf(uart))} | `;
  }
}
