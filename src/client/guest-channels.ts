import type { WebSocket } from "ws";
import type { Answer, Call, Connection, MessageListener } from "./connection.ts";

/**
 * The channels of one guest: of a job, an attempt or an instance. Paths stand behind the guest's own, and may have a
 * query: `gpio`, `uarts/uart0`, `properties?path=/machine`. Every call throws the FarmError that was answered.
 */
export interface GuestChannels {
  /** The answer's JSON, or undefined for 204. */
  request<Value>(call: Call): Promise<Value>;
  /** The answer's bytes as they come. */
  bytes(call: Call): AsyncGenerator<Buffer>;
  /** Opens a WebSocket; the listener misses nothing. */
  openWebSocket(path: string, onMessage: MessageListener): Promise<WebSocket>;
}

/** The same for whoever passes them on: also an answer that is an error is an answer. */
export interface ForwardedChannels extends GuestChannels {
  answer(call: Call): Promise<Answer>;
}

/** @param guestPath path of the guest, such as `/v1/jobs/r1-000001` */
export function guestChannels(connection: Connection, guestPath: string): ForwardedChannels {
  const placed = (call: Call): Call => ({ ...call, path: `${guestPath}/${call.path}` });
  return {
    request: (call) => connection.json(placed(call)),
    bytes: (call) => connection.bytes(placed(call)),
    openWebSocket: (path, onMessage) => connection.webSocket(`${guestPath}/${path}`, onMessage),
    answer: (call) => connection.answer(placed(call)),
  };
}
