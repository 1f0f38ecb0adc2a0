import { HeldBytes } from "../../core/wire/held-bytes.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, LINE_FEED, 0x0d]);

/** A whole JSON object or array as text, or why there is none. */
export type JsonPiece = { readonly text: string } | { readonly problem: JsonProblem };
/** What is `tooLarge` leaves nothing to go on with; after the others the next line is read as if nothing had been. */
export type JsonProblem = "malformed" | "tooDeep" | "badUtf8" | "tooLarge";

export interface JsonSplitterOptions {
  readonly maxBytes: number;
  readonly maxDepth: number;
}

/**
 * Cuts a stream of bytes into JSON objects and arrays, as QEMU's own parser does: whatever the chunks are, over several
 * lines or several in one. Holds at most `maxBytes` of an unfinished one.
 */
export class JsonSplitter {
  readonly #options: JsonSplitterOptions;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true });
  readonly #held = new HeldBytes();
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isSkippingLine = false;

  constructor(options: JsonSplitterOptions) {
    this.#options = options;
  }

  split(chunk: Buffer): JsonPiece[] {
    const pieces: JsonPiece[] = [];
    /** Where what is not held yet of the present value begins in this chunk. */
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (this.#isSkippingLine) {
        this.#isSkippingLine = byte !== LINE_FEED;
      } else if (this.#depth === 0) {
        if (WHITE_SPACE.has(byte)) continue;
        start = at;
        if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth = 1;
        else pieces.push(this.#giveUp("malformed"));
      } else {
        this.#step(byte);
        if (this.#depth === 0) pieces.push(this.#take(chunk.subarray(start, at + 1)));
        else if (this.#depth > this.#options.maxDepth) pieces.push(this.#giveUp("tooDeep"));
        else if (this.#held.length + at + 1 - start > this.#options.maxBytes)
          return [...pieces, this.#giveUp("tooLarge")];
      }
    }
    if (this.#depth > 0) this.#held.push(chunk.subarray(start));
    return pieces;
  }

  /** What comes next begins anew, where nothing is unfinished: the end of a message says as much as that of a line. */
  endLine(): void {
    this.#isSkippingLine = false;
  }

  #step(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#isInString) {
      if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#isInString = false;
    } else if (byte === QUOTE) this.#isInString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.#depth -= 1;
  }

  #take(end: Buffer): JsonPiece {
    let bytes: Uint8Array = end;
    if (this.#held.length > 0) {
      this.#held.push(end);
      bytes = this.#held.take();
    }
    this.#forget();
    try {
      return { text: this.#utf8.decode(bytes) };
    } catch {
      // The bounds of the value are known all the same: only a quote or a bracket moves them.
      return { problem: "badUtf8" };
    }
  }

  #giveUp(problem: JsonProblem): JsonPiece {
    this.#forget();
    this.#isSkippingLine = true;
    return { problem };
  }

  #forget(): void {
    this.#held.take();
    this.#depth = 0;
    this.#isInString = false;
    this.#isEscaped = false;
  }
}
