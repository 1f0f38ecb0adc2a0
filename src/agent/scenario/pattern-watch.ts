import { FarmError } from "../../core/error/farm-error.ts";
import type { Scenario } from "../../core/schema/scenario.ts";
import { compilePattern, describePattern, type Pattern } from "../../pattern/pattern.ts";
import { createPatternSet } from "../../pattern/pattern-scanner.ts";
import type { GuestControl } from "./guest-control.ts";

/** Characters of the current line that a match shows. */
const SHOWN_CHARACTERS = 200;

export interface WatchedMatch {
  readonly uart: string;
  readonly pattern: Pattern;
  /** The line up to the match's end. */
  readonly line: string;
}

interface WatchedPattern {
  readonly pattern: Pattern;
  /** Default: all UARTs. */
  readonly uart?: string;
}

/** The `fail` patterns of a scenario, and a job's failText, which is one more. */
export function failPatterns(scenario: Scenario | undefined, failText: string | undefined): WatchedPattern[] {
  const watched: WatchedPattern[] = (scenario?.fail ?? []).map((one) =>
    typeof one === "string"
      ? { pattern: compilePattern({ text: one }) }
      : { pattern: compilePattern({ regex: one.regex }), ...(one.uart !== undefined && { uart: one.uart }) },
  );
  if (failText !== undefined) watched.push({ pattern: compilePattern({ text: failText }) });
  return watched;
}

/** Watches the UARTs for patterns from now on; tells the first match of each on each UART. Returns how to stop. */
export function watchPatterns(
  guest: GuestControl,
  watched: readonly WatchedPattern[],
  onMatch: (match: WatchedMatch) => void,
  onError: (error: FarmError) => void,
): () => void {
  const sets = new Map<string, ReturnType<typeof createPatternSet>>();
  const stops = [...guest.uarts].flatMap(([name, uart]) => {
    const patterns = watched.filter((one) => one.uart === undefined || one.uart === name).map((one) => one.pattern);
    if (patterns.length === 0) return [];
    const key = patterns.map((pattern) => pattern.expression).join("\0");
    const set = sets.get(key) ?? createPatternSet(patterns);
    sets.set(key, set);
    const scanner = set.createScanner();
    let position = 0;
    let tail: Buffer = Buffer.alloc(0);
    const stop = uart.onData((chunk) => {
      try {
        for (const { pattern, end } of scanner.feed(chunk)) {
          onMatch({
            uart: name,
            pattern,
            line: lineBefore(Buffer.concat([tail, chunk]), tail.length + end - position),
          });
        }
      } catch (error) {
        stop();
        onError(FarmError.from(error));
      }
      position += chunk.length;
      const recent = chunk.length < SHOWN_CHARACTERS ? Buffer.concat([tail, chunk]) : chunk;
      tail = recent.subarray(Math.max(0, recent.length - SHOWN_CHARACTERS));
    });
    return [stop];
  });
  return () => {
    for (const stop of stops) stop();
  };
}

export function failPatternMatched({ uart, pattern, line }: WatchedMatch): FarmError {
  return new FarmError("FailPatternMatched", { pattern: describePattern(pattern.source), uart, match: line });
}

function lineBefore(bytes: Buffer, end: number): string {
  const text = bytes.subarray(Math.max(0, end - SHOWN_CHARACTERS), end).toString("utf8");
  return text.trimEnd().split(/\r?\n/).at(-1) ?? "";
}
