import { jsonText } from "./json-text.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { QmpEvent, QmpGreeting } from "./qmp-session.ts";
import { QmpTransportError } from "./qmp-transport-error.ts";

/** Far above what any allowed command answers; bounds what a hostile emulator can make the agent hold. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/** What an emulator sends: https://www.qemu.org/docs/master/interop/qmp-spec.html */
export type QmpMessage =
  | { readonly type: "greeting"; readonly greeting: QmpGreeting }
  | { readonly type: "event"; readonly event: QmpEvent }
  | { readonly type: "return"; readonly id: unknown; readonly value: unknown }
  | { readonly type: "error"; readonly id: unknown; readonly class: string; readonly description: string };

/** Turns the bytes of a QMP connection into messages, whatever the chunks are. */
export class QmpDecoder {
  readonly #lines: LineSplitter;

  constructor(maxMessageBytes = MAX_MESSAGE_BYTES) {
    this.#lines = new LineSplitter(maxMessageBytes);
  }

  /** @throws {QmpTransportError} malformed, tooLarge */
  decode(chunk: Buffer): QmpMessage[] {
    return this.#split(chunk)
      .filter((line) => line !== "")
      .map(parseMessage);
  }

  #split(chunk: Buffer): string[] {
    try {
      return this.#lines.split(chunk);
    } catch (cause) {
      throw new QmpTransportError("tooLarge", undefined, { cause });
    }
  }
}

export function encodeCommand(
  command: string,
  args: Readonly<Record<string, unknown>> | undefined,
  id: unknown,
): string {
  return `${JSON.stringify({ execute: command, arguments: args, id })}\n`;
}

function parseMessage(line: string): QmpMessage {
  const value = parseJson(line);
  if (isRecord(value)) {
    if ("return" in value) return { type: "return", id: value.id, value: value.return };
    if (typeof value.event === "string") return { type: "event", event: toEvent(value.event, value) };
    if (isRecord(value.error)) {
      const { class: errorClass, desc } = value.error;
      return { type: "error", id: value.id, class: jsonText(errorClass), description: jsonText(desc) };
    }
    if (isRecord(value.QMP)) {
      const { version, capabilities } = value.QMP;
      const names = Array.isArray(capabilities) ? capabilities.map(jsonText) : [];
      return { type: "greeting", greeting: { version, capabilities: names } };
    }
  }
  throw new QmpTransportError("malformed", line.slice(0, 200));
}

function toEvent(event: string, message: Record<string, unknown>): QmpEvent {
  const data = isRecord(message.data) ? message.data : {};
  const stamp = message.timestamp;
  if (!isRecord(stamp) || typeof stamp.seconds !== "number" || typeof stamp.microseconds !== "number") {
    return { event, data };
  }
  return { event, data, timestamp: { seconds: stamp.seconds, microseconds: stamp.microseconds } };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new QmpTransportError("malformed", line.slice(0, 200), { cause });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
