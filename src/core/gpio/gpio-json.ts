import type { Level } from "./gpio-line.ts";

/**
 * The JSON that the GPIO device of some builds of Espressif's emulator speaks on its character device: a line
 * `{"event":"new_out","out":N,"out1":N}` for each write to its output registers, and to it
 * `{"cmd":"set_input","in":N,"in1":N}`. `out` and `in` are the lines 0 to 31, `out1` and `in1` those from 32 on.
 */

const LINES_OF_WORD = 32;
const LINES = 2 * LINES_OF_WORD;
/** A longer line is no message of the device. */
const MAX_LINE_BYTES = 4_096;

/** No byte is an error: what is no message is counted. */
const LATIN1 = new TextDecoder("latin1");

/** Levels of all lines, by number. */
export type LineWords = readonly [low: number, high: number];

export function encodeInputs([low, high]: LineWords): string {
  return `${JSON.stringify({ cmd: "set_input", in: low, in1: high })}\r\n`;
}

/** The words with one line changed. */
export function withLevel([low, high]: LineWords, line: number, level: Level): LineWords {
  const bit = (1 << (line % LINES_OF_WORD)) >>> 0;
  const change = (word: number) => (level === 1 ? word | bit : word & ~bit) >>> 0;
  return line < LINES_OF_WORD ? [change(low), high] : [low, change(high)];
}

/** Lines whose levels differ between two messages, in order. */
export function changesBetween(before: LineWords, after: LineWords): { line: number; level: Level }[] {
  return Array.from({ length: LINES }, (_, line) => line)
    .filter((line) => levelOf(before, line) !== levelOf(after, line))
    .map((line) => ({ line, level: levelOf(after, line) }));
}

/** Reads the device's lines from a stream, whatever its chunks are; what is no message is ignored and counted. */
export class GpioJsonDecoder {
  #line = "";
  #isTooLong = false;
  #ignoredLines = 0;

  get ignoredLines(): number {
    return this.#ignoredLines;
  }

  /** The outputs that this chunk tells, message by message. */
  decode(chunk: Uint8Array): LineWords[] {
    const parts = LATIN1.decode(chunk).split("\n");
    const outputs: LineWords[] = [];
    for (const [index, part] of parts.entries()) {
      if (index > 0) this.#endLine(outputs);
      this.#isTooLong ||= this.#line.length + part.length > MAX_LINE_BYTES;
      this.#line = this.#isTooLong ? "" : this.#line + part;
    }
    return outputs;
  }

  #endLine(outputs: LineWords[]): void {
    const message = this.#isTooLong ? undefined : outputsOf(this.#line);
    if (message) outputs.push(message);
    else this.#ignoredLines += 1;
    this.#line = "";
    this.#isTooLong = false;
  }
}

function levelOf([low, high]: LineWords, line: number): Level {
  const word = line < LINES_OF_WORD ? low : high;
  return ((word >>> (line % LINES_OF_WORD)) & 1) as Level;
}

function outputsOf(line: string): LineWords | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // A half line, or something else that was said on the channel: counted by the caller.
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("event" in value) || value.event !== "new_out") return undefined;
  const { out, out1 = 0 } = value as { out?: unknown; out1?: unknown };
  return isWord(out) && isWord(out1) ? [out, out1] : undefined;
}

function isWord(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** LINES_OF_WORD;
}
