import type { WebSocket } from "ws";
import type { UartHub } from "../uart/uart-hub.ts";

/** WebSocket status "normal closure" (RFC 6455, 7.4.1). */
const NORMAL_CLOSURE = 1000;

/** A viewer of a UART over a WebSocket: binary messages are bytes both ways, text messages are notices in JSON. */
export function serveConsole(socket: WebSocket, hub: UartHub, label: string): void {
  const viewer = hub.addViewer({
    label,
    get backlogBytes() {
      return socket.bufferedAmount;
    },
    send: (chunk) => socket.send(chunk, { binary: true }, () => viewer?.drained()),
    notice: (notice) => socket.send(JSON.stringify(notice), () => viewer?.drained()),
    end: (reason) => socket.close(NORMAL_CLOSURE, reason),
  });
  socket.on("message", (data, isBinary) => {
    if (isBinary) void viewer.write(data as Buffer);
    else if (isTakePen(String(data))) viewer.takePen();
  });
  socket.once("close", () => viewer[Symbol.dispose]());
}

/** The one thing that a viewer can ask for: `{"type":"takePen"}`. */
function isTakePen(text: string): boolean {
  try {
    return (JSON.parse(text) as { type?: unknown })?.type === "takePen";
  } catch {
    // Not JSON: nothing that is known.
    return false;
  }
}
