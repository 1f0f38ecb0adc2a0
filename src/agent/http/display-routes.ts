import type { WebSocket } from "ws";
import { FarmError } from "../../core/error/farm-error.ts";
import type { HttpServer } from "../../http/server.ts";
import { takeScreenshot } from "../display/screenshot.ts";
import { openVnc } from "../display/vnc-connection.ts";
import type { Guest } from "../guest/guest.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";

/** WebSocket status "normal closure" (RFC 6455, 7.4.1). */
const NORMAL_CLOSURE = 1000;
/** Longest reason that a closing frame has room for. */
const MAX_REASON_BYTES = 120;
const BACKLOG_BYTES = 1024 * 1024;

export function addDisplayRoutes({ app }: HttpServer, { path, owner }: ChannelScope): void {
  app.get(`${path}/:id/screen`, { schema: { params: ownerParams } }, async ({ params }, reply) => {
    const picture = await takeScreenshot(owner(params.id).guest);
    return reply.type("image/png").header("cache-control", "no-store").send(picture);
  });
  app.get(
    `${path}/:id/vnc`,
    {
      websocket: true,
      schema: { params: ownerParams },
      preHandler: async ({ params }) => void owner(params.id),
    },
    (socket: WebSocket, { params }) => serveVnc(socket, owner(params.id).guest),
  );
}

/** VNC over a WebSocket, as browsers speak it: binary messages are bytes both ways. */
function serveVnc(socket: WebSocket, guest: Guest): void {
  const connection = openVnc(guest, {
    send(chunk) {
      socket.send(chunk, { binary: true }, () => connection.drained?.());
      return socket.bufferedAmount < BACKLOG_BYTES;
    },
    setPaused: (isPaused) => (isPaused ? socket.pause() : socket.resume()),
    end: (error) => socket.close(NORMAL_CLOSURE, reasonOf(error)),
  });
  socket.on("message", (data) => connection.receive(data as Buffer));
  socket.once("close", () => connection.closed());
}

function reasonOf(error: unknown): string {
  const reason = error === undefined ? "the guest has ended" : FarmError.from(error).message;
  return Buffer.from(reason).subarray(0, MAX_REASON_BYTES).toString();
}
