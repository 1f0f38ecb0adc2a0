import { RE2JS } from "re2js";
import { FarmError } from "../core/error/farm-error.ts";

/** Instructions that one regular expression may compile to; a repetition counts as often as it is repeated. */
const MAX_INSTRUCTIONS = 10_000;

/** Regular expressions that were accepted last: each job of a run brings the same ones, to be checked and then used. */
const MAX_ACCEPTED = 1_000;
/** One that compiles to more takes too much memory to be kept. */
const MAX_KEPT_INSTRUCTIONS = 500;
const accepted = new Map<string, RE2JS>();

/** A text or a regular expression, as a scenario has it. */
export type PatternSource = { readonly text: string } | { readonly regex: string };

/** A pattern that has been accepted. */
export interface Pattern {
  readonly source: PatternSource;
  /** RE2 syntax. */
  readonly expression: string;
}

/**
 * Accepts a text or regular expression for use on a stream.
 * @throws {FarmError} InvalidPattern
 */
export function compilePattern(source: PatternSource): Pattern {
  if ("text" in source) return { source, expression: RE2JS.quote(source.text) };
  const compiled = compileRegex(source.regex);
  if (compiled.test("")) {
    throw refusal(source.regex, "it matches the empty text, so it would match before anything has come");
  }
  return { source, expression: source.regex };
}

/**
 * Compiles a regular expression; `^` and `$` are the ends of lines.
 * @throws {FarmError} InvalidPattern
 */
export function compileRegex(regex: string): RE2JS {
  const known = accepted.get(regex);
  if (known) return known;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(regex, RE2JS.MULTILINE);
  } catch (error) {
    throw refusal(regex, problemOf(error, regex), error);
  }
  const size = compiled.programSize();
  if (size > MAX_INSTRUCTIONS) {
    throw refusal(regex, `it compiles to ${size} instructions, more than ${MAX_INSTRUCTIONS}`);
  }
  if (size > MAX_KEPT_INSTRUCTIONS) return compiled;
  if (accepted.size >= MAX_ACCEPTED) accepted.clear();
  accepted.set(regex, compiled);
  return compiled;
}

/** A pattern in words: a text in quotation marks, a regular expression between slashes. */
export function describePattern(source: PatternSource): string {
  return "text" in source ? JSON.stringify(source.text) : `/${source.regex}/`;
}

export function refusal(regex: string, problem: string, cause?: unknown): FarmError<"InvalidPattern"> {
  return new FarmError("InvalidPattern", { pattern: `/${regex}/`, problem }, { cause });
}

/** The engine's words without the pattern, which it tells with its own flags before it, and which is told anyway. */
function problemOf(error: unknown, regex: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const own = message.replace(/^error parsing regexp: /, "").replace(`: \`(?m)${regex}\``, "");
  return own.replaceAll("`", "");
}
