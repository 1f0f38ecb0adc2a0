import type { WebSocket } from "ws";
import type { QmpProxy } from "../qmp/qmp-proxy.ts";

/** WebSocket status "normal closure" (RFC 6455, 7.4.1). */
const NORMAL_CLOSURE = 1000;

/** A session of QMP over a WebSocket: a message is an answer or an event, or any part of a stream of commands. */
export function serveQmp(socket: WebSocket, proxy: QmpProxy): void {
  const client = proxy.connect({
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (text) => socket.send(text, () => client?.drained()),
    setPaused: (isPaused) => (isPaused ? socket.pause() : socket.resume()),
    close: (reason) => socket.close(NORMAL_CLOSURE, reason),
  });
  socket.on("message", (data) => client.receiveMessage(data as Buffer));
  socket.once("close", () => client.close());
}
