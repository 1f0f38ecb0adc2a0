import type { Socket } from "node:net";
import type { RawConnection } from "../channel/raw-port.ts";
import { StreamWords } from "./stream-words.ts";
import type { UartViewer, UartViewerSink } from "./uart-viewer.ts";

/** A UART over a raw connection: its bytes and nothing else. */
export function serveUart(socket: Socket, hub: { addViewer(sink: UartViewerSink): UartViewer }): RawConnection {
  const viewer = hub.addViewer(sinkOf(socket));
  return {
    receive: (chunk) => passOn(viewer, socket, chunk),
    drained: () => viewer.drained(),
    ended: () => viewer.releasePen(),
    closed: () => viewer[Symbol.dispose](),
  };
}

/** The network waits for the guest, so that a paste of any size needs no memory. */
export function passOn(viewer: UartViewer, socket: Socket, bytes: Uint8Array): void {
  let isTaken = false;
  void viewer.write(bytes).then(() => {
    isTaken = true;
    if (socket.isPaused()) socket.resume();
  });
  setImmediate(() => {
    if (!isTaken && !socket.destroyed) socket.pause();
  });
}

/** Who writes from there, as others are told. */
export function peerOf(protocol: string, { remoteAddress, remotePort }: Socket): string {
  return `${protocol} ${remoteAddress ?? ""}:${remotePort ?? ""}`;
}

/** What a stream without a place for notices is told all the same. */
export function lineOf(text: string): Buffer {
  return Buffer.from(`\r\n[emufarm: ${text}]\r\n`);
}

function sinkOf(socket: Socket): UartViewerSink {
  const words = new StreamWords();
  return {
    label: peerOf("tcp", socket),
    get backlogBytes() {
      return socket.writableLength;
    },
    send: (chunk) => void socket.write(chunk),
    notice: (notice) => {
      const text = words.of(notice);
      if (text !== undefined) socket.write(lineOf(text));
    },
    end: (reason) => void socket.end(lineOf(reason)),
  };
}
