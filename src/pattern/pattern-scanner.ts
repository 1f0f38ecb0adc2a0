import type { Pattern } from "./pattern.ts";
import { type AutomatonState, StreamAutomaton } from "./stream-automaton.ts";
import type { PatternMatch, StreamScanner } from "./stream-scanner.ts";
import { TextScanner } from "./text-scanner.ts";
import { decodeRune, INCOMPLETE } from "./utf8.ts";

/** Patterns made ready to scan streams with; any number of streams may use them. */
export interface PatternSet {
  readonly patterns: readonly Pattern[];
  /** `previousByte` is the byte before the stream's first one, where there was one: `^` and `\b` look at it. */
  createScanner(previousByte?: number): StreamScanner;
}

/** Up to so many texts are searched for one by one; more are one automaton. */
const MAX_SINGLE_TEXTS = 4;

export function createPatternSet(patterns: readonly Pattern[]): PatternSet {
  const texts = patterns.flatMap(({ source }) => ("text" in source ? [source.text] : []));
  if (texts.length === patterns.length && texts.length <= MAX_SINGLE_TEXTS) {
    return { patterns, createScanner: () => new TextScanner(patterns, texts) };
  }
  const automaton = new StreamAutomaton(patterns);
  return { patterns, createScanner: (previousByte) => new AutomatonScanner(patterns, automaton, previousByte) };
}

/** One pass over the bytes for all patterns together; the matches are the same however the stream is cut. */
class AutomatonScanner implements StreamScanner {
  readonly #patterns: readonly Pattern[];
  readonly #automaton: StreamAutomaton;
  readonly #found = new Set<number>();
  #state: AutomatonState;
  #position = 0;
  #partial: Buffer = Buffer.alloc(0);

  constructor(patterns: readonly Pattern[], automaton: StreamAutomaton, previousByte: number | undefined) {
    this.#patterns = patterns;
    this.#automaton = automaton;
    this.#state = automaton.start(previousByte);
  }

  feed(chunk: Buffer): PatternMatch[] {
    const automaton = this.#automaton;
    automaton.countBytes(chunk.length);
    const base = this.#position - this.#partial.length;
    const bytes = this.#partial.length > 0 ? Buffer.concat([this.#partial, chunk]) : chunk;
    this.#position += chunk.length;
    const matches: PatternMatch[] = [];
    const { asciiClass } = automaton;
    let state = this.#state;
    let at = 0;
    while (at < bytes.length) {
      const byte = bytes[at] as number;
      let width = 1;
      if (byte < 0x80) {
        state = state.next?.[asciiClass[byte] as number] ?? automaton.step(state, byte);
      } else {
        const rune = decodeRune(bytes, at);
        if (rune.width === INCOMPLETE) break;
        width = rune.width;
        state = automaton.step(state, rune.codePoint);
      }
      if (state.isMatch) this.#note(state.matchIDs, base + at, matches);
      at += width;
    }
    this.#state = state;
    this.#partial = at < bytes.length ? Buffer.from(bytes.subarray(at)) : Buffer.alloc(0);
    this.#note(automaton.accepted(state), base + at, matches);
    return matches;
  }

  finish(): PatternMatch[] {
    const automaton = this.#automaton;
    const matches: PatternMatch[] = [];
    let end = this.#position - this.#partial.length;
    for (const _byte of this.#partial) {
      this.#state = automaton.step(this.#state, 0xfffd);
      this.#note(this.#state.matchIDs, end, matches);
      end += 1;
    }
    this.#partial = Buffer.alloc(0);
    this.#note(automaton.accepted(this.#state), end, matches);
    this.#note(automaton.finish(this.#state).matchIDs, end, matches);
    return matches;
  }

  #note(indexes: readonly number[], end: number, matches: PatternMatch[]): void {
    for (const index of indexes) {
      const pattern = this.#patterns[index];
      if (pattern === undefined || this.#found.has(index)) continue;
      this.#found.add(index);
      matches.push({ index, pattern, end });
    }
  }
}
