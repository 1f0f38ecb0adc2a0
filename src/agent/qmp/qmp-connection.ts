import type { Socket } from "node:net";
import type { RawConnection } from "../channel/raw-port.ts";
import type { QmpProxy } from "./qmp-proxy.ts";

/** A session of QMP over a raw connection, as QEMU's own monitor socket speaks it. */
export function serveQmpRaw(socket: Socket, proxy: QmpProxy): RawConnection {
  const client = proxy.connect({
    get bufferedBytes() {
      return socket.writableLength;
    },
    send: (text) => void socket.write(text),
    setPaused: (isPaused) => void (isPaused ? socket.pause() : socket.resume()),
    close: () => void socket.end(),
  });
  return { receive: (chunk) => client.receive(chunk), drained: () => client.drained(), closed: () => client.close() };
}
