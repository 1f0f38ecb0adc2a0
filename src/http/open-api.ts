import swagger from "@fastify/swagger";
import { jsonSchemaTransform } from "fastify-type-provider-zod";
import type { HttpApp, HttpServerOptions } from "./server.ts";

/** Describes the routes that come after, and serves the description. */
export async function describeRoutes(app: HttpApp, info: NonNullable<HttpServerOptions["openApi"]>): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info,
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  app.get("/openapi.json", { config: { isPublic: true }, schema: { hide: true } }, async () => app.swagger());
}
