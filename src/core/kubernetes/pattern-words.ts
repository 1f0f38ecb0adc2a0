import type { z } from "zod";

/** What a check of zod's is, as far as it is about a pattern. */
interface PatternCheck {
  readonly check: string;
  readonly format?: string;
  readonly error?: (issue: object) => unknown;
}

/** What zod says of a text that its pattern does not match; undefined where the schema has no words of its own. */
export function patternWords({ _zod }: z.core.$ZodType): string | undefined {
  for (const { _zod: internals } of _zod.def.checks ?? []) {
    const { check, format, error } = internals.def as PatternCheck;
    if (check !== "string_format" || format !== "regex") continue;
    const words = error?.({ code: "invalid_format", format });
    if (typeof words === "string") return words;
  }
  return undefined;
}
