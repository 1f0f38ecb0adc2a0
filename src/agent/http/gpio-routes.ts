import type { WebSocket } from "ws";
import { durationMs } from "../../core/schema/duration.ts";
import { gpioQuery, gpioRequest } from "../../core/wire/gpio.ts";
import type { HttpServer } from "../../http/server.ts";
import type { GpioBank } from "../gpio/gpio-bank.ts";
import { gpioStateOf } from "../gpio/gpio-messages.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";
import { driveByRequest, serveGpioSocket } from "./gpio-socket.ts";

export function addGpioRoutes({ app }: HttpServer, { path, owner }: ChannelScope): void {
  app.route({
    method: "GET",
    url: `${path}/:id/gpio`,
    schema: { params: ownerParams, querystring: gpioQuery },
    preHandler: async ({ params }) => void owner(params.id),
    handler: ({ params }) => readState(owner(params.id).gpio),
    wsHandler: (socket: WebSocket, { params, query }) => {
      const { coalesce } = query as { coalesce?: string };
      serveGpioSocket(socket, owner(params.id).gpio, coalesce === undefined ? undefined : durationMs(coalesce));
    },
  });
  app.post(
    `${path}/:id/gpio`,
    { schema: { params: ownerParams, body: gpioRequest } },
    async ({ params, body }, reply) => {
      await driveByRequest(owner(params.id).gpio, body);
      return reply.code(204).send();
    },
  );
}

/** A driver that sees levels only is asked for each; the others have told already. */
async function readState(bank: GpioBank) {
  await bank.connect();
  if (bank.abilities?.observes === "levels" && bank.isConnected) {
    await Promise.all(bank.lines.all.filter(({ isOutput }) => isOutput).map(({ number }) => bank.read(number)));
  }
  return gpioStateOf(bank);
}
