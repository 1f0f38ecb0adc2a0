import type { HttpApp } from "../../http/server.ts";
import type { AgentParts } from "../agent-parts.ts";

/** Every path below an instance is one of its channels. */
const CHANNEL = /^\/v1\/instances\/:id\/./;

/** Whoever has a request or a WebSocket under way at a channel of an instance uses it. */
export function countInstanceUse(app: HttpApp, { instances }: Pick<AgentParts, "instances">): void {
  app.addHook("preHandler", async ({ routeOptions, params, ws, raw }, reply) => {
    if (!CHANNEL.test(routeOptions.url ?? "")) return;
    const use = instances.use((params as { id: string }).id);
    const carrier = ws ? raw.socket : reply.raw;
    if (use) carrier.once("close", () => use[Symbol.dispose]());
  });
}
