import type { Socket } from "node:net";
import type { ChannelOwner } from "../channel/channel-owner.ts";
import type { RawConnection } from "../channel/raw-port.ts";

/** How long a debugger's machine may be silent before its connection is looked after. */
const KEEP_ALIVE_MS = 10_000;

/** A debugger on a raw TCP connection. One that cannot be had now is closed at once. */
export function serveGdb(socket: Socket, { gdb }: Pick<ChannelOwner, "gdb">): RawConnection {
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  try {
    const session = gdb.connect({
      get bufferedBytes() {
        return socket.writableLength;
      },
      send: (bytes) => void socket.write(bytes),
      // GDB's protocol has no words for a reason.
      close: () => void socket.end(),
    });
    return {
      receive: (chunk) => session.receive(chunk),
      // A debugger that says no more waits for nothing either.
      ended: () => socket.destroySoon(),
      closed: () => session.closed(),
    };
  } catch {
    // The board is off, or has its debugger: the status tells which.
    socket.destroy();
    return { receive: () => {}, closed: () => {} };
  }
}
