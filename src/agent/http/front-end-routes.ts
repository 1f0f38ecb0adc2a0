import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { WebSocket } from "ws";
import type { HttpServer } from "../../http/server.ts";
import type { AgentParts } from "../agent-parts.ts";
import type { ChannelOwner } from "../channel/channel-owner.ts";
import { Progress } from "../progress.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";
import type { LoadFirmware } from "./front-end-commands.ts";
import { serveFrontEnd } from "./front-end-socket.ts";

/** The event stream of a board, for front ends of simulators. */
export function addFrontEndRoutes({ app }: HttpServer, { path, owner }: ChannelScope, parts: AgentParts): void {
  const load = firmwareLoader(parts);
  app.get(
    `${path}/:id/events`,
    { websocket: true, schema: { params: ownerParams }, preHandler: async ({ params }) => void owner(params.id) },
    (socket: WebSocket, { params }) => serveFrontEnd(socket, owner(params.id), load),
  );
}

function firmwareLoader({ cache, firmware }: Pick<AgentParts, "cache" | "firmware">): LoadFirmware {
  /** Digest of what was loaded last this way. */
  const loaded = new WeakMap<ChannelOwner, string>();
  return async (owner, bytes) => {
    const { guest } = owner;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (loaded.get(owner) === sha256) return false;
    await cache.put(sha256, Readable.from([bytes]));
    using progress = new Progress();
    const wanted = { reference: { sha256 }, urls: {}, board: guest.board, boardName: guest.boardName };
    guest.loadHeld(await firmware(wanted, progress));
    loaded.set(owner, sha256);
    return true;
  };
}
