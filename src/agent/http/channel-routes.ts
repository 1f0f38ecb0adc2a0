import type { WebSocket } from "ws";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { objectName } from "../../core/schema/metadata.ts";
import type { HttpServer } from "../../http/server.ts";
import { streamAnswer } from "../../http/stream-answer.ts";
import type { LogRange } from "../attempt/attempts.ts";
import type { Guest } from "../guest/guest.ts";
import type { QmpProxy } from "../qmp/qmp-proxy.ts";
import type { UartHub } from "../uart/uart-hub.ts";
import { serveConsole } from "./console-socket.ts";
import { serveQmp } from "./qmp-socket.ts";

/** A guest that runs, with its channels. */
export interface ChannelOwner {
  readonly guest: Guest;
  readonly hubs: readonly UartHub[];
}

/** Where channels are found: attempts and instances have the same ones. */
export interface ChannelRoutes {
  /** Path up to the owner's id, such as /v1/attempts. */
  readonly path: string;
  /** @throws {FarmError} NotFound */
  owner(id: string): ChannelOwner;
  /** @throws {FarmError} NotFound */
  readLog(id: string, uart: string, range: LogRange): AsyncIterable<Buffer>;
}

const idParams = z.object({ id: z.string().min(1).max(120) });
const uartParams = idParams.extend({ uart: objectName });
const logQuery = z.object({
  offset: z.coerce.number().int().min(0).default(0),
  follow: z.stringbool().default(false),
});
const consoleQuery = z.object({ label: z.string().min(1).max(64).default("somebody") });
const controlBody = z.strictObject({ action: z.enum(["reset", "pause", "resume", "powerOn", "powerOff"]) });

export function addChannelRoutes({ app, closing }: HttpServer, { path, owner, readLog }: ChannelRoutes): void {
  app.get(
    `${path}/:id/uarts/:uart/log`,
    { schema: { params: uartParams, querystring: logQuery } },
    ({ params, query }, reply) => {
      // Looked up first, so that what is not there is told as an error.
      const gone = new AbortController();
      const range = { offset: query.offset, isFollowed: query.follow, signal: gone.signal };
      const source = readLog(params.id, params.uart, range);
      return streamAnswer(reply, "application/octet-stream", closing, (signal) => {
        signal.addEventListener("abort", () => gone.abort(signal.reason), { once: true });
        return source;
      });
    },
  );
  app.get(
    `${path}/:id/uarts/:uart`,
    {
      websocket: true,
      schema: { params: uartParams, querystring: consoleQuery },
      preHandler: async ({ params }) => void hubOf(owner(params.id), params.uart),
    },
    (socket: WebSocket, { params, query }) => serveConsole(socket, hubOf(owner(params.id), params.uart), query.label),
  );
  app.get(
    `${path}/:id/qmp`,
    {
      websocket: true,
      schema: { params: idParams },
      preHandler: async ({ params }) => void proxyOf(owner(params.id)),
    },
    (socket: WebSocket, { params }) => serveQmp(socket, proxyOf(owner(params.id))),
  );
  app.post(
    `${path}/:id/control`,
    { schema: { params: idParams, body: controlBody } },
    async ({ params, body }, reply) => {
      const { guest } = owner(params.id);
      if (body.action === "powerOn") await guest.powerOn();
      else if (body.action === "powerOff") await guest.powerOff();
      else await guest[body.action]();
      return reply.code(204).send();
    },
  );
}

function proxyOf({ guest }: ChannelOwner): QmpProxy {
  if (guest.qmpProxy) return guest.qmpProxy;
  throw new FarmError("NotFound", { kind: "QMP", name: "of a board that is off" });
}

function hubOf({ hubs }: ChannelOwner, uart: string): UartHub {
  const hub = hubs.find(({ name }) => name === uart);
  if (!hub) throw new FarmError("NotFound", { kind: "UART", name: uart });
  return hub;
}
