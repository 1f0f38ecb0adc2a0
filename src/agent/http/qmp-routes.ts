import type { WebSocket } from "ws";
import { FarmError } from "../../core/error/farm-error.ts";
import type { HttpServer } from "../../http/server.ts";
import type { ChannelOwner } from "../channel/channel-owner.ts";
import type { QmpProxy } from "../qmp/qmp-proxy.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";
import { serveQmp } from "./qmp-socket.ts";

export function addQmpRoutes({ app }: HttpServer, { path, owner }: ChannelScope): void {
  app.get(
    `${path}/:id/qmp`,
    {
      websocket: true,
      schema: { params: ownerParams },
      preHandler: async ({ params }) => void proxyOf(owner(params.id)),
    },
    (socket: WebSocket, { params }) => serveQmp(socket, proxyOf(owner(params.id))),
  );
}

function proxyOf({ guest }: ChannelOwner): QmpProxy {
  if (guest.qmpProxy) return guest.qmpProxy;
  throw new FarmError("NotFound", { kind: "QMP", name: "of a board that is off" });
}
