import { StringDecoder } from "node:string_decoder";

/** Characters of a line that are looked at; what is beyond is skipped. */
export const MAX_LINE_CHARACTERS = 16 * 1024;

/** ANSI escape sequences: CSI, OSC and the two-character ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences consist of control characters
const ANSI = /\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])/g;

/** Cuts a stream of bytes into lines of text, without their ends and without ANSI escapes, in bounded memory. */
export class LineReader {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder("utf8");
  #line = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  feed(chunk: Buffer): void {
    const text = this.#decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      this.#extend(text, start, end);
      this.#emit();
      start = end + 1;
    }
    this.#extend(text, start, text.length);
  }

  /** The stream has ended: the last line may lack its end. */
  finish(): void {
    this.#line += this.#decoder.end();
    if (this.#line !== "") this.#emit();
  }

  #extend(text: string, start: number, end: number): void {
    const room = MAX_LINE_CHARACTERS - this.#line.length;
    if (room > 0) this.#line += text.slice(start, Math.min(end, start + room));
  }

  #emit(): void {
    const line = this.#line.includes("\x1b") ? this.#line.replace(ANSI, "") : this.#line;
    this.#line = "";
    this.#onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}
