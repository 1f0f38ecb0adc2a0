import type { FarmOptions } from "../farm-options.ts";

export interface JsonOptions extends FarmOptions {
  readonly json?: true;
}

/** JSON for people and programs: indented, with a line's end. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
