import type { Pattern } from "./pattern.ts";
import type { PatternMatch, StreamScanner } from "./stream-scanner.ts";

/** Looks for a few texts by plain search of their UTF-8 bytes, which is many times faster than an automaton. */
export class TextScanner implements StreamScanner {
  readonly #patterns: readonly Pattern[];
  readonly #needles: readonly Buffer[];
  readonly #overlap: number;
  readonly #found = new Set<number>();
  #tail: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(patterns: readonly Pattern[], texts: readonly string[]) {
    this.#patterns = patterns;
    this.#needles = texts.map((text) => Buffer.from(text));
    this.#overlap = Math.max(...this.#needles.map(({ length }) => length)) - 1;
  }

  feed(chunk: Buffer): PatternMatch[] {
    const base = this.#position - this.#tail.length;
    const isWithTail = this.#tail.length > 0;
    const seam = isWithTail ? Buffer.concat([this.#tail, chunk.subarray(0, this.#overlap)]) : chunk;
    const matches = this.#search(seam, base);
    if (isWithTail && chunk.length > this.#overlap) matches.push(...this.#search(chunk, this.#position));
    this.#position += chunk.length;
    const last = isWithTail && chunk.length <= this.#overlap ? seam : chunk;
    this.#tail = Buffer.from(last.subarray(Math.max(0, last.length - this.#overlap)));
    return matches.sort((a, b) => a.end - b.end);
  }

  finish(): PatternMatch[] {
    return [];
  }

  #search(bytes: Buffer, base: number): PatternMatch[] {
    const matches: PatternMatch[] = [];
    for (const [index, needle] of this.#needles.entries()) {
      const pattern = this.#patterns[index];
      if (pattern === undefined || this.#found.has(index)) continue;
      const at = bytes.indexOf(needle);
      if (at === -1) continue;
      this.#found.add(index);
      matches.push({ index, pattern, end: base + at + needle.length });
    }
    return matches;
  }
}
