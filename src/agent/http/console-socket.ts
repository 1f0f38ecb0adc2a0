import type { WebSocket } from "ws";
import { readUartRequest } from "../../core/wire/uart-message.ts";
import type { BoardLines } from "../uart/board-lines.ts";
import type { UartHub } from "../uart/uart-hub.ts";
import type { UartViewing } from "../uart/uart-viewer.ts";

/** WebSocket status "normal closure" (RFC 6455, 7.4.1). */
const NORMAL_CLOSURE = 1000;

export interface ConsoleOptions extends UartViewing {
  readonly hub: UartHub;
  readonly lines: Pick<BoardLines, "sendBreak">;
  /** Shown to others as the writer's name. */
  readonly label: string;
}

/** A viewer of a UART over a WebSocket: binary messages are bytes both ways, text messages are JSON. */
export function serveConsole(socket: WebSocket, { hub, lines, label, ...viewing }: ConsoleOptions): void {
  const sink = {
    label,
    get backlogBytes() {
      return socket.bufferedAmount;
    },
    send: (chunk: Buffer) => socket.send(chunk, { binary: true }, () => viewer?.drained()),
    notice: (notice: object) => socket.send(JSON.stringify(notice), () => viewer?.drained()),
    end: (reason: string) => socket.close(NORMAL_CLOSURE, reason),
  };
  const viewer = hub.addViewer(sink, viewing);
  socket.on("message", (data, isBinary) => {
    if (isBinary) {
      void viewer.write(data as Buffer);
      return;
    }
    const request = readUartRequest(String(data));
    if (request?.type === "takePen") viewer.takePen();
    // A board that cannot is off, or about to be: a notice tells.
    if (request?.type === "break" && viewer.usePen()) lines.sendBreak().catch(() => {});
  });
  socket.once("close", () => viewer[Symbol.dispose]());
}
