import type { WebSocket } from "ws";
import type { HttpServer } from "../../http/server.ts";
import type { GdbChannel } from "../gdb/gdb-channel.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";

/** WebSocket status "normal closure" (RFC 6455, 7.4.1). */
const NORMAL_CLOSURE = 1000;
/** A reason has room for 123 bytes (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 120;

export function addGdbRoutes({ app }: HttpServer, { path, owner }: ChannelScope): void {
  app.get(
    `${path}/:id/gdb`,
    {
      websocket: true,
      schema: { params: ownerParams },
      preHandler: async ({ params }) => owner(params.id).gdb.check(),
    },
    (socket: WebSocket, { params }) => serveGdb(socket, owner(params.id).gdb),
  );
}

/** A debugger over a WebSocket: binary messages are bytes of GDB's protocol, both ways, in any pieces. */
function serveGdb(socket: WebSocket, gdb: GdbChannel): void {
  const session = gdb.connect({
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (bytes) => socket.send(bytes, { binary: true }),
    close: (reason) => socket.close(NORMAL_CLOSURE, Buffer.from(reason).subarray(0, MAX_REASON_BYTES).toString()),
  });
  socket.on("message", (data) => session.receive(data as Buffer));
  socket.once("close", () => session.closed());
}
