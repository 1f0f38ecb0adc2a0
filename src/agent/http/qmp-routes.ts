import type { WebSocket } from "ws";
import type { HttpServer } from "../../http/server.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";
import { serveQmp } from "./qmp-socket.ts";

export function addQmpRoutes({ app }: HttpServer, { path, owner }: ChannelScope): void {
  app.get(
    `${path}/:id/qmp`,
    {
      websocket: true,
      schema: { params: ownerParams },
      preHandler: async ({ params }) => void owner(params.id),
    },
    (socket: WebSocket, { params }) => serveQmp(socket, owner(params.id).guest.qmpProxy),
  );
}
