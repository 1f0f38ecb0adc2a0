import type { Socket } from "node:net";
import type { RawConnection } from "../channel/raw-port.ts";
import type { UartViewer, UartViewerSink } from "./uart-viewer.ts";

/** A UART over a raw connection: its bytes and nothing else. */
export function serveUart(socket: Socket, hub: { addViewer(sink: UartViewerSink): UartViewer }): RawConnection {
  const viewer = hub.addViewer(sinkOf(socket));
  return {
    receive: (chunk) => write(viewer, socket, chunk),
    drained: () => viewer.drained(),
    closed: () => viewer[Symbol.dispose](),
  };
}

/** The network waits for the guest, so that a paste of any size needs no memory. */
function write(viewer: UartViewer, socket: Socket, bytes: Buffer): void {
  let isTaken = false;
  void viewer.write(bytes).then(() => {
    isTaken = true;
    if (socket.isPaused()) socket.resume();
  });
  setImmediate(() => {
    if (!isTaken && !socket.destroyed) socket.pause();
  });
}

function sinkOf(socket: Socket): UartViewerSink {
  return {
    label: `tcp ${socket.remoteAddress ?? ""}:${socket.remotePort ?? ""}`,
    get backlogBytes() {
      return socket.writableLength;
    },
    send: (chunk) => void socket.write(chunk),
    notice: (notice) => {
      // Raw bytes have no place for notices; a gap must not pass for output all the same.
      if (notice.type === "gap") socket.write(`\r\n[emufarm: ${notice.bytes} bytes are missing here]\r\n`);
    },
    end: () => void socket.end(),
  };
}
