import type { WebSocket } from "ws";

/** Bytes that may wait for a slow side before the other one is paused. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** WebSocket status codes (RFC 6455, 7.4.1). */
const NORMAL_CLOSURE = 1000;
const NO_STATUS = 1005;
const INTERNAL_ERROR = 1011;
const APPLICATION_CODES = 3000;
/** A close frame holds so many bytes of words. */
const MAX_REASON_BYTES = 123;

/** One direction of a channel that is passed on: what comes before the other side is there waits for it. */
export class MessageRelay {
  #early: { readonly data: Buffer; readonly isText: boolean }[] = [];
  #earlyBytes = 0;
  #source: WebSocket | undefined;
  #sink: WebSocket | undefined;

  push(data: Buffer, isText: boolean): void {
    if (this.#sink) {
      this.#send(this.#sink, data, isText);
      return;
    }
    this.#early.push({ data, isText });
    this.#earlyBytes += data.length;
    if (this.#earlyBytes > MAX_WAITING_BYTES) this.#source?.pause();
  }

  /** Where messages come from: it is paused while they cannot go on. */
  from(source: WebSocket): void {
    this.#source = source;
    if (this.#earlyBytes > MAX_WAITING_BYTES) source.pause();
  }

  /** Where messages go to, from now on. */
  to(sink: WebSocket): void {
    this.#sink = sink;
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const { data, isText } of early) this.#send(sink, data, isText);
    if (sink.bufferedAmount < MAX_WAITING_BYTES) this.#source?.resume();
  }

  #send(sink: WebSocket, data: Buffer, isText: boolean): void {
    sink.send(data, { binary: !isText }, () => {
      if (sink.bufferedAmount < MAX_WAITING_BYTES) this.#source?.resume();
    });
    if (sink.bufferedAmount > MAX_WAITING_BYTES) this.#source?.pause();
  }
}

/** Ends the one socket as the other one has ended. */
export function endAs(socket: WebSocket, code: number, reason: string): void {
  // One that is paused would never read the answer to this.
  socket.resume();
  socket.close(passable(code), Buffer.from(reason).subarray(0, MAX_REASON_BYTES));
}

/** Ends a socket because the farm has nothing for it. */
export function endWithError(socket: WebSocket, message: string): void {
  endAs(socket, INTERNAL_ERROR, message);
}

/** Some codes only tell how a connection ended; they are never sent. */
function passable(code: number): number {
  if (code === NO_STATUS) return NORMAL_CLOSURE;
  const isStandard = code >= NORMAL_CLOSURE && code <= 1014 && code !== 1004 && code !== 1006;
  return isStandard || code >= APPLICATION_CODES ? code : INTERNAL_ERROR;
}
