import { z } from "zod";
import { desiredState } from "../../core/wire/desired-state.ts";
import type { HttpApp } from "../../http/server.ts";
import type { AgentParts } from "../agent-parts.ts";

const uidParams = z.object({ uid: z.string().min(1).max(64) });

export function addInstanceRoutes(app: HttpApp, { instances }: AgentParts): void {
  app.put("/v1/desired", { schema: { body: desiredState } }, async ({ body }) => instances.put(body));
  app.get("/v1/instances", async () => instances.list());
  app.get("/v1/instances/:uid", { schema: { params: uidParams } }, async ({ params }) => instances.get(params.uid));
  app.delete("/v1/instances/:uid", { schema: { params: uidParams } }, async ({ params }, reply) => {
    await instances.delete(params.uid);
    return reply.code(204).send();
  });
}
