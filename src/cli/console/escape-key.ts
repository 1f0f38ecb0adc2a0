import { FarmError } from "../../core/error/farm-error.ts";

const USUAL = "ctrl-a";

/** Control keys beside the letters, as terminals have them. */
const CONTROL_SIGNS = "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_";

/** The key that a console keeps to itself. */
export interface EscapeKey {
  readonly byte: number;
  /** As a person types it: Ctrl-A. */
  readonly title: string;
}

/**
 * Reads the name of a key: `ctrl-a`, `^A`, a single character, or `none`. Undefined: no key is kept.
 * @throws {FarmError} InvalidRequest
 */
export function parseEscapeKey(text: string = USUAL): EscapeKey | undefined {
  if (text === "none") return undefined;
  const sign = /^(?:ctrl-|c-|\^)(.)$/i.exec(text)?.[1]?.toUpperCase();
  const code = sign === undefined ? -1 : CONTROL_SIGNS.indexOf(sign);
  if (code > 0) return { byte: code, title: `Ctrl-${sign}` };
  if (/^[\x21-\x7e]$/.test(text)) return { byte: text.charCodeAt(0), title: text };
  const problems = `${text} is no key: ctrl-a to ctrl-z, ctrl-] and the like, one character such as ~, or none`;
  throw new FarmError("InvalidRequest", { problems });
}
