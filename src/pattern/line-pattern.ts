import type { Matcher } from "re2js";
import { compileRegex } from "./pattern.ts";

/** A regular expression for single lines, whose named groups are read. */
export interface LinePattern {
  readonly groupNames: ReadonlySet<string>;
  /** The named groups of the first match in the line; undefined when there is none. */
  match(line: string): Readonly<Record<string, string | undefined>> | undefined;
}

/** @throws {FarmError} InvalidPattern */
export function compileLinePattern(regex: string): LinePattern {
  const compiled = compileRegex(regex);
  const groupNames = new Set(Object.keys(compiled.namedGroups()));
  return {
    groupNames,
    match(line) {
      if (!compiled.test(line)) return undefined;
      const matcher = compiled.matcher(line);
      return matcher.find() ? namedGroups(matcher, groupNames) : undefined;
    },
  };
}

function namedGroups(matcher: Matcher, names: ReadonlySet<string>): Record<string, string | undefined> {
  return Object.fromEntries([...names].map((name) => [name, matcher.group(name) ?? undefined]));
}
