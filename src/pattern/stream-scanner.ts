import type { Pattern } from "./pattern.ts";

/** The first match of a pattern. */
export interface PatternMatch {
  /** Place of the pattern in the scanner's list. */
  readonly index: number;
  readonly pattern: Pattern;
  /** Position in the stream, counted from the scanner's start, right behind the match. */
  readonly end: number;
}

/** Looks for the first match of each of several patterns in a stream, in any chunks. */
export interface StreamScanner {
  /**
   * Reads a chunk; returns the patterns that matched for the first time, in the order of their ends.
   * @throws {FarmError} InvalidPattern when the patterns cost too much to follow
   */
  feed(chunk: Buffer): PatternMatch[];
  /** The stream has ended: what waited for the byte behind it is decided. */
  finish(): PatternMatch[];
}
