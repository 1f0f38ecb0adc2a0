import type { WebSocket } from "ws";
import type { UartNotice, UartRequest } from "../../core/wire/uart-message.ts";
import type { Target } from "../channel/target.ts";

/** WebSocket statuses of an end that somebody meant (RFC 6455, 7.4.1): normal closure, going away. */
const MEANT = [1000, 1001];

export interface ConsoleLineOptions {
  /** Shown to others as the writer's name. */
  readonly label: string;
  /** Whether the last output is shown first. */
  readonly isReplayed: boolean;
  onOutput(chunk: Buffer): void;
  onNotice(notice: UartNotice): void;
}

/** How a line ended. */
export interface LineEnd {
  readonly isBroken: boolean;
  /** In words, where the other side said one. */
  readonly reason: string;
}

/** One UART of a guest, while somebody sits at it. */
export interface ConsoleLine extends Disposable {
  readonly uart: string;
  /** Settles when it has ended, from whichever side. */
  readonly ended: Promise<LineEnd>;
  write(bytes: Uint8Array): void;
  /** Bytes that were written and are here still. */
  readonly unsentBytes: number;
  /** Asks for something beside the bytes; false where the line has no way to. */
  ask(request: UartRequest): boolean;
  /** Output waits, or goes on. */
  hold(isHeld: boolean): void;
}

/** Opens a UART: by the agent, or by its raw port where nothing else can be reached. */
export async function openConsoleLine(target: Target, uart: string, options: ConsoleLineOptions): Promise<ConsoleLine> {
  if (!target.hasAgent) return await openRawLine(target, uart, options);
  const query = new URLSearchParams({ label: options.label, replay: String(options.isReplayed) });
  const path = `uarts/${encodeURIComponent(uart)}?${query}`;
  const socket = await target.openWebSocket(path, (data, isText) => {
    if (isText) options.onNotice(JSON.parse(data.toString("utf8")) as UartNotice);
    else options.onOutput(data);
  });
  return {
    uart,
    ended: endOf(socket),
    write: (bytes) => socket.send(bytes),
    get unsentBytes() {
      return socket.bufferedAmount;
    },
    ask(request) {
      socket.send(JSON.stringify(request));
      return true;
    },
    hold: (isHeld) => (isHeld ? socket.pause() : socket.resume()),
    [Symbol.dispose]: () => socket.terminate(),
  };
}

function endOf(socket: WebSocket): Promise<LineEnd> {
  return new Promise((resolve) => {
    socket.on("close", (code: number, reason: Buffer) => {
      resolve({ isBroken: !MEANT.includes(code), reason: reason.toString("utf8") });
    });
  });
}

async function openRawLine(target: Target, uart: string, options: ConsoleLineOptions): Promise<ConsoleLine> {
  const stream = await target.openRaw(uart);
  const ended = new Promise<LineEnd>((resolve) => {
    stream.once("error", (error) => resolve({ isBroken: true, reason: error.message }));
    stream.once("close", () => resolve({ isBroken: false, reason: "" }));
  });
  stream.on("data", (chunk: Buffer) => options.onOutput(chunk));
  return {
    uart,
    ended,
    write: (bytes) => void stream.write(bytes),
    get unsentBytes() {
      return stream.writableLength;
    },
    ask: () => false,
    hold: (isHeld) => void (isHeld ? stream.pause() : stream.resume()),
    [Symbol.dispose]: () => void stream.destroy(),
  };
}
