import type { Socket } from "node:net";
import { ComPortServer } from "../../core/serial/com-port-server.ts";
import { type LineEffect, type LineWiring, lineEffect } from "../../core/serial/line-effect.ts";
import type { RawConnection } from "../channel/raw-port.ts";
import { lineOf, passOn, peerOf } from "./uart-connection.ts";
import type { UartNotice, UartViewer, UartViewerSink } from "./uart-viewer.ts";

/** Answers that nobody reads: whoever floods with options and never listens is let go. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export interface Rfc2217Options {
  readonly socket: Socket;
  readonly hub: { readonly name: string; addViewer(sink: UartViewerSink): UartViewer };
  /** What the lines are wired to on the board. */
  readonly wiring: LineWiring;
  /** Does to the board what lines do. */
  act(effect: LineEffect): Promise<void>;
}

/** A UART over Telnet with its COM port option (RFC 2217). It serves one client; the line belongs to the hub. */
export function serveRfc2217({ socket, hub, wiring, act }: Rfc2217Options): RawConnection {
  let input: Uint8Array[] = [];
  let isSuspended = false;
  const passInput = () => {
    const [first, ...more] = input;
    input = [];
    if (first) passOn(viewer, socket, more.length === 0 ? first : Buffer.concat([first, ...more]));
  };
  const server = new ComPortServer({
    signature: `emufarm ${hub.name}`,
    events: {
      send: (bytes) => void socket.write(bytes),
      onInput: (bytes) => void input.push(bytes),
      onLines(now, before) {
        passInput();
        const effect = lineEffect(wiring, now, before);
        // Lines are answered whoever moves them; the board heeds the one who writes.
        if (effect === undefined || !viewer.usePen()) return;
        // A board that cannot is off, or about to be: the modem's lines tell.
        act(effect).catch(() => {});
      },
      onPurge({ toClient }) {
        // What went to the guest is on the line already, as it would be on a real one.
        if (toClient) viewer.skip();
      },
      onSuspended(isNow) {
        isSuspended = isNow;
        viewer.drained();
      },
    },
  });
  server.open();
  const viewer = hub.addViewer({
    label: peerOf("rfc2217", socket),
    get backlogBytes() {
      return isSuspended ? Number.POSITIVE_INFINITY : socket.writableLength;
    },
    send: (chunk) => void socket.write(server.encode(chunk)),
    notice: (notice) => tell(notice, socket, server),
    end: (reason) => void socket.end(server.encode(lineOf(reason))),
  });
  server.setBoard(viewer.isOn);
  return {
    receive(chunk) {
      server.receive(chunk);
      passInput();
      if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
    },
    drained: () => viewer.drained(),
    closed: () => {
      server.hangUp();
      viewer[Symbol.dispose]();
    },
  };
}

function tell(notice: UartNotice, socket: Socket, server: ComPortServer): void {
  if (notice.type === "gap") socket.write(server.encode(lineOf(`${notice.bytes} bytes are missing here`)));
  if (notice.type === "boot") server.setBoard(true);
  if (notice.type === "off") server.setBoard(false);
}
