import { z } from "zod";
import type { HttpServer } from "../../http/server.ts";
import { whenStarted } from "../guest/running-boot.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";

const controlBody = z.strictObject({ action: z.enum(["reset", "pause", "resume", "powerOn", "powerOff"]) });

export function addControlRoutes({ app }: HttpServer, { path, owner }: ChannelScope): void {
  app.post(
    `${path}/:id/control`,
    { schema: { params: ownerParams, body: controlBody } },
    async ({ params, body }, reply) => {
      const { guest } = owner(params.id);
      await whenStarted(guest, body.action);
      if (body.action === "powerOn") await guest.powerOn();
      else if (body.action === "powerOff") await guest.powerOff();
      else await guest[body.action]();
      return reply.code(204).send();
    },
  );
}
