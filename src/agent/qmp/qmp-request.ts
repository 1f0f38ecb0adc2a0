import type { JsonPiece, JsonProblem } from "./json-splitter.ts";

/** A request of a client, or the error that it gets for what it sent. */
export type QmpRequest =
  | {
      readonly command: string;
      readonly args: Record<string, unknown> | undefined;
      readonly id: unknown;
      /** Asked for with `exec-oob`. */
      readonly isOutOfBand: boolean;
    }
  | { readonly refusal: QmpErrorAnswer; readonly id: unknown };

export interface QmpErrorAnswer {
  readonly error: { readonly class: string; readonly desc: string };
}

const PROBLEMS: Record<JsonProblem, string> = {
  malformed: "JSON parse error, a request is a JSON object",
  tooDeep: "JSON parse error, nested too deeply",
  badUtf8: "JSON parse error, invalid UTF-8 sequence in string",
  tooLarge: "JSON parse error, the request is too large",
};

const KNOWN_MEMBERS: ReadonlySet<string> = new Set(["execute", "exec-oob", "arguments", "id"]);

/** Reads a request in the words that QEMU has for what is wrong with one. */
export function readRequest(piece: JsonPiece): QmpRequest {
  if ("problem" in piece) return refused(undefined, PROBLEMS[piece.problem]);
  let value: unknown;
  try {
    value = JSON.parse(piece.text);
  } catch {
    // Told to the client in QMP's own form.
    return refused(undefined, "JSON parse error");
  }
  if (!isRecord(value)) return refused(undefined, "QMP input must be a JSON object");
  return readMembers(value);
}

function readMembers(request: Record<string, unknown>): QmpRequest {
  const { id, arguments: args } = request;
  const unknown = Object.keys(request).find((name) => !KNOWN_MEMBERS.has(name));
  if (unknown !== undefined) return refused(id, `QMP input member '${unknown}' is unexpected`);
  const isOutOfBand = "exec-oob" in request;
  if (isOutOfBand && "execute" in request) return refused(id, "QMP input member 'exec-oob' clashes with 'execute'");
  const verb = isOutOfBand ? "exec-oob" : "execute";
  const command = request[verb];
  if (command === undefined) return refused(id, "QMP input lacks member 'execute'");
  if (typeof command !== "string") return refused(id, `QMP input member '${verb}' must be a string`);
  if (args !== undefined && !isRecord(args)) return refused(id, "QMP input member 'arguments' must be an object");
  return { command, args, id, isOutOfBand };
}

export function qmpError(desc: string, errorClass = "GenericError"): QmpErrorAnswer {
  return { error: { class: errorClass, desc } };
}

function refused(id: unknown, desc: string): QmpRequest {
  return { refusal: qmpError(desc), id };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
