import { RE2Set } from "re2js";
import { FarmError } from "../core/error/farm-error.ts";
import type { Pattern } from "./pattern.ts";

/**
 * What we use of re2js' automaton. The library offers a match over a whole text only; a stream needs its single step,
 * which it has but does not document. The version is pinned by the lock file and held by test/pattern.
 */
export interface AutomatonState {
  /** The state before this one accepted, by way of what the last character decided. */
  readonly isMatch: boolean;
  readonly matchIDs: readonly number[];
  readonly nfaStates: readonly number[];
  readonly flag: number;
  readonly next: readonly (AutomatonState | null)[] | null;
}

interface Automaton {
  readonly latin1Class: Int32Array;
  readonly numClasses: number;
  runeClass(rune: number): number;
  makeState(instructions: readonly number[], flag: number, ids: readonly number[]): AutomatonState | null;
  step(state: AutomatonState, runeClass: number, rune: number, anchor: number): AutomatonState | null;
  resetCache(current: AutomatonState): AutomatonState | null;
}

interface Program {
  readonly start: number;
  getInst(index: number): { readonly op: number; readonly arg: number };
}

const MATCH_INSTRUCTION = 6;
const BEGIN_LINE = 1;
const BEGIN_TEXT = 4;
const LAST_WORD = 512;
const END_OF_TEXT = -1;
/** Memory for states; when it is used up they are built anew. */
const CACHE_BYTES = 2 * 1024 * 1024;

/** Work on building states that any set of patterns may cause, and more for each byte that it has read. */
const FREE_WORK = 2_000_000;
const WORK_PER_BYTE = 20;

/** Many patterns as one automaton, which reads a character at a time. Streams may share it: their state is their own. */
export class StreamAutomaton {
  readonly #dfa: Automaton;
  readonly #program: Program;
  readonly #patterns: readonly Pattern[];
  readonly #accepted = new WeakMap<AutomatonState, readonly number[]>();
  /** Class of each ASCII character; the index into a state's `next`. */
  readonly asciiClass: Int32Array;
  #work = 0;
  #bytes = 0;

  constructor(patterns: readonly Pattern[]) {
    this.#patterns = patterns;
    const set = new RE2Set(RE2Set.UNANCHORED, 0, CACHE_BYTES);
    for (const { source, expression } of patterns) set.add("text" in source ? expression : `(?m)${expression}`);
    set.compile();
    this.#dfa = set.dfa;
    this.#program = set.prog;
    this.asciiClass = this.#dfa.latin1Class;
  }

  /** The state before the first character; `previous` is the byte before it, where there was one. */
  start(previous?: number): AutomatonState {
    let flag = 0;
    if (previous === undefined) flag = BEGIN_TEXT | BEGIN_LINE;
    else if (previous === 0x0a) flag = BEGIN_LINE;
    else if (isWordByte(previous)) flag = LAST_WORD;
    return this.#dfa.makeState([this.#program.start], flag, []) ?? this.#tooCostly();
  }

  /** Reads one character. */
  step(state: AutomatonState, rune: number): AutomatonState {
    return this.#step(state, this.#dfa.runeClass(rune), rune);
  }

  /** The end of the stream; the patterns in `matchIDs` of what is returned match there. */
  finish(state: AutomatonState): AutomatonState {
    return this.#step(state, this.#dfa.numClasses, END_OF_TEXT);
  }

  /** Patterns that match here, without a look at what follows. */
  accepted(state: AutomatonState): readonly number[] {
    const known = this.#accepted.get(state);
    if (known) return known;
    const instructions = state.nfaStates.map((index) => this.#program.getInst(index));
    const accepted = instructions.filter(({ op }) => op === MATCH_INSTRUCTION).map(({ arg }) => arg);
    this.#accepted.set(state, accepted);
    return accepted;
  }

  /** Bytes that were read, which pay for the building of states. */
  countBytes(bytes: number): void {
    this.#bytes += bytes;
  }

  #step(state: AutomatonState, runeClass: number, rune: number): AutomatonState {
    const known = state.next?.[runeClass];
    if (known) return known;
    this.#work += state.nfaStates.length;
    if (this.#work > FREE_WORK + this.#bytes * WORK_PER_BYTE) this.#tooCostly();
    const next = this.#dfa.step(state, runeClass, rune, 0);
    if (next) return next;
    const restored = this.#dfa.resetCache(state) ?? this.#tooCostly();
    return this.#dfa.step(restored, runeClass, rune, 0) ?? this.#tooCostly();
  }

  /** Linear, but with a factor that would stall the agent for others. */
  #tooCostly(): never {
    const pattern = this.#patterns.map(({ expression }) => `/${expression}/`).sort((a, b) => b.length - a.length)[0];
    const problem = "it keeps too many possibilities open at once, so reading the output with it costs too much";
    throw new FarmError("InvalidPattern", { pattern: pattern ?? "", problem });
  }
}

function isWordByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || (byte >= 0x61 && byte <= 0x7a)
  );
}
