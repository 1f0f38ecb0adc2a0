import type { WebSocket } from "ws";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { objectName } from "../../core/schema/metadata.ts";
import type { HttpServer } from "../../http/server.ts";
import { streamAnswer } from "../../http/stream-answer.ts";
import type { ChannelOwner } from "../channel/channel-owner.ts";
import { type BoardLines, boardLines } from "../uart/board-lines.ts";
import type { UartHub } from "../uart/uart-hub.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";
import { serveConsole } from "./console-socket.ts";

const uartParams = ownerParams.extend({ uart: objectName });
const logQuery = z.object({
  offset: z.coerce.number().int().min(0).default(0),
  follow: z.stringbool().default(false),
});
const consoleQuery = z.object({
  label: z.string().min(1).max(64).default("somebody").describe("Shown to others as the writer's name."),
  replay: z.stringbool().default(true).describe("Whether the last output is shown first."),
});
/** Consoles and raw connections of one UART at a time: more than this is a mistake or an attack. */
const MAX_VIEWERS = 128;

export function addUartRoutes({ app, closing }: HttpServer, { path, owner, readLog }: ChannelScope): void {
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
      preHandler: async ({ params }) => {
        const { name, viewerCount } = hubOf(owner(params.id), params.uart);
        if (viewerCount >= MAX_VIEWERS) throw new FarmError("TooManyViewers", { uart: name, viewers: viewerCount });
      },
    },
    (socket: WebSocket, { params, query: { label, replay } }) => {
      const board = owner(params.id);
      const hub = hubOf(board, params.uart);
      serveConsole(socket, { hub, lines: linesOf(board, params.uart), label, isReplayed: replay });
    },
  );
}

function linesOf({ guest }: ChannelOwner, name: string): Pick<BoardLines, "sendBreak"> {
  const uart = guest.board.uarts.find((one) => one.name === name);
  // Semihosting has text and no line that could break.
  return uart ? boardLines(guest, uart) : { sendBreak: async () => {} };
}

function hubOf({ hubs }: ChannelOwner, uart: string): UartHub {
  const hub = hubs.find(({ name }) => name === uart);
  if (!hub) throw new FarmError("NotFound", { kind: "UART", name: uart });
  return hub;
}
