import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import type { HttpApp } from "../../http/server.ts";
import type { AgentParts } from "../agent-parts.ts";

const body = z.strictObject({
  certificate: z
    .string()
    .min(1)
    .max(64 * 1024),
});

export function addCertificateRoutes(app: HttpApp, { certificate }: AgentParts): void {
  app.put("/v1/certificate", { schema: { body } }, async ({ body: { certificate: next } }, reply) => {
    if (!certificate) throw new FarmError("NotFound", { kind: "certificate", name: "of an agent without TLS" });
    await certificate.renew(next);
    return reply.code(204).send();
  });
}
