import { FarmError } from "../../core/error/farm-error.ts";

/** A command of QMP as it goes over the wire. */
export interface QmpCommand {
  readonly execute: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly id?: unknown;
}

/**
 * A command as a person types it: `query-status`, `qom-get path=/machine property=type`, `qom-get {"path": ...}`, or a
 * whole request in JSON.
 * @throws {FarmError} InvalidRequest
 */
export function readQmpLine(line: string): QmpCommand {
  const text = line.trim();
  if (text.startsWith("{")) return requestOf(jsonObject(text));
  const [, name = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  return commandOf(name, rest.startsWith("{") ? [rest] : rest.split(/\s+/).filter(Boolean));
}

/** A command with its arguments: one JSON object, or `name=value` each. @throws {FarmError} InvalidRequest */
export function commandOf(name: string, words: readonly string[]): QmpCommand {
  const [first] = words;
  if (first === undefined) return { execute: name };
  if (first.startsWith("{") && words.length === 1) return { execute: name, arguments: jsonObject(first) };
  return { execute: name, arguments: Object.fromEntries(words.map(argumentOf)) };
}

function argumentOf(word: string): [string, unknown] {
  const end = word.indexOf("=");
  if (end > 0) return [word.slice(0, end), parsedOrText(word.slice(end + 1))];
  throw new FarmError("InvalidRequest", { problems: `${word} is no argument: give name=value, or one JSON object` });
}

/** JSON where it is some, such as a number; else the text as it stands. */
function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A word of its own: what most arguments are.
    return text;
  }
}

function jsonObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FarmError("InvalidRequest", { problems: `not JSON: ${(cause as Error).message}` }, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FarmError("InvalidRequest", { problems: "a JSON object is expected" });
}

function requestOf(request: Record<string, unknown>): QmpCommand {
  if (typeof request.execute === "string") return request as unknown as QmpCommand;
  throw new FarmError("InvalidRequest", { problems: 'a request has "execute": the name of a command' });
}
