import { propertyQuery, propertyToSet } from "../../core/wire/property.ts";
import type { HttpServer } from "../../http/server.ts";
import { runningBoot } from "../guest/running-boot.ts";
import { getProperty, listProperties, setProperty } from "../property/properties.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";

export function addPropertyRoutes({ app }: HttpServer, { path, owner }: ChannelScope): void {
  app.get(
    `${path}/:id/properties`,
    { schema: { params: ownerParams, querystring: propertyQuery } },
    async ({ params, query }) => {
      const { qmp } = await runningBoot(owner(params.id).guest, "a property");
      if (query.name !== undefined) return await getProperty(qmp, query.path, query.name);
      return { path: query.path, properties: await listProperties(qmp, query.path) };
    },
  );
  app.put(
    `${path}/:id/properties`,
    { schema: { params: ownerParams, body: propertyToSet } },
    async ({ params, body }, reply) => {
      const { guest } = owner(params.id);
      const { qmp } = await runningBoot(guest, "a property");
      guest.spoil();
      await setProperty(qmp, body.path, body.name, body.value);
      return reply.code(204).send();
    },
  );
}
