import type { Readable } from "node:stream";
import { z } from "zod";
import { sha256 } from "../../core/schema/metadata.ts";
import { acceptBytes } from "../../http/bytes-body.ts";
import type { HttpApp } from "../../http/server.ts";
import type { AgentParts } from "../agent-parts.ts";

export function addFirmwareRoutes(app: HttpApp, { cache }: AgentParts): void {
  void app.register(async (scope: HttpApp) => {
    acceptBytes(scope);
    scope.put("/v1/firmware/:sha256", { schema: { params: z.object({ sha256 }) } }, async ({ params, body }, reply) => {
      const isNew = await cache.put(params.sha256, body as Readable);
      return reply.code(isNew ? 201 : 200).send({ sha256: params.sha256 });
    });
  });
}
