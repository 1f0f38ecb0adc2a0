import type { TestCase } from "../../../core/wire/attempt.ts";

/** What a line of output tells a monitor. */
export interface LineFinding {
  readonly testCase?: TestCase;
  /** No more test cases will come; `failed` is the framework's own verdict, where it gives one. */
  readonly end?: { readonly failed?: boolean };
}

/** Reads the output of a test framework, line by line. */
export type LineMonitor = (line: string) => LineFinding | undefined;
