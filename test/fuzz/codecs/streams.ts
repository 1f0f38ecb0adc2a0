import { Readable } from "node:stream";
import { parseJsonLines } from "../../../src/client/ndjson.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { LineReader } from "../../../src/pattern/line-reader.ts";
import { compilePattern } from "../../../src/pattern/pattern.ts";
import { createPatternSet } from "../../../src/pattern/pattern-scanner.ts";
import type { Codec } from "../codec.ts";

const NEWLINE = 0x0a;

/** Output of guests as lines of text. */
const lines: Codec = {
  name: "lines",
  isStream: true,
  refusals: [],
  read(pieces) {
    const read: string[] = [];
    const reader = new LineReader((line) => read.push(line));
    for (const piece of pieces) reader.feed(piece);
    reader.finish();
    return read;
  },
};

/** Events of an agent and of the API, a line each. */
const jsonLines: Codec = {
  name: "json-lines",
  isStream: true,
  refusals: [],
  async read(pieces) {
    const read: unknown[] = [];
    try {
      for await (const value of parseJsonLines(Readable.from(pieces))) read.push(value);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      read.push("no JSON");
    }
    return read;
  },
};

/** A pattern, which is the first line, and the output that it is looked for in. */
const pattern: Codec = {
  name: "pattern",
  isStream: true,
  refusals: [FarmError],
  read(pieces) {
    const all = [...pieces];
    const bytes = Buffer.concat(all);
    const end = bytes.indexOf(NEWLINE);
    const regex = bytes.subarray(0, Math.max(0, end)).toString();
    const scanner = createPatternSet([compilePattern({ regex })]).createScanner();
    const ends: number[] = [];
    for (const piece of behind(all, end + 1)) ends.push(...scanner.feed(piece).map((match) => match.end));
    return [...ends, ...scanner.finish().map((match) => match.end)];
  },
};

/** The pieces without so many bytes at the begin. */
function behind(pieces: readonly Buffer[], bytes: number): Buffer[] {
  let left = bytes;
  return pieces.flatMap((piece) => {
    const rest = piece.subarray(left);
    left = Math.max(0, left - piece.length);
    return rest.length > 0 ? [rest] : [];
  });
}

export const streamCodecs: readonly Codec[] = [lines, jsonLines, pattern];
