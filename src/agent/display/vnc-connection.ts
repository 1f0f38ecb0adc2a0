import type { Socket } from "node:net";
import type { RawConnection } from "../channel/raw-port.ts";
import type { Guest } from "../guest/guest.ts";
import { connectVnc } from "./vnc.ts";

/** Where what comes from the display goes. */
export interface VncViewer {
  /** False: there is no room for more until `drained`. */
  send(chunk: Buffer): boolean;
  setPaused(isPaused: boolean): void;
  /** The guest is off, has no display, or its emulator has ended: VNC begins anew with a new connection. */
  end(error?: unknown): void;
}

/** A viewer's way to a guest's display, as fast as the slower side takes it. */
export function openVnc(guest: Guest, viewer: VncViewer): RawConnection {
  let display: Socket | undefined;
  let isClosed = false;
  const forward = (socket: Socket, chunk: Buffer) => {
    if (socket.write(chunk)) return;
    viewer.setPaused(true);
    socket.once("drain", () => viewer.setPaused(false));
  };
  viewer.setPaused(true);
  connectVnc(guest).then(
    (socket) => {
      display = socket;
      // What breaks is the emulator's end; "close" always follows.
      socket.on("error", () => {});
      socket.once("close", () => viewer.end());
      if (isClosed) socket.destroy();
      viewer.setPaused(false);
      socket.on("data", (chunk) => {
        if (!viewer.send(chunk)) socket.pause();
      });
    },
    (error: unknown) => viewer.end(error),
  );
  return {
    receive(chunk) {
      if (display) forward(display, chunk);
    },
    drained: () => void display?.resume(),
    closed() {
      isClosed = true;
      display?.destroy();
    },
  };
}

/** VNC over a raw connection. */
export function serveVncRaw(socket: Socket, guest: Guest): RawConnection {
  return openVnc(guest, {
    send: (chunk) => socket.write(chunk),
    setPaused: (isPaused) => void (isPaused ? socket.pause() : socket.resume()),
    end: () => void socket.end(),
  });
}
