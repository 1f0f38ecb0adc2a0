import { FarmError } from "../../core/error/farm-error.ts";
import { agentToken, agentTokenRequest } from "../../core/wire/agent-token.ts";
import type { RouteContext } from "./api-server.ts";

export async function addAgentTokenRoutes({ app, grantAgentAccess }: RouteContext): Promise<void> {
  if (!grantAgentAccess) return;
  app.post(
    "/v1/agent-tokens",
    {
      schema: {
        tags: ["agents"],
        summary: "A way to the channels of boards in a pod, for a few minutes",
        body: agentTokenRequest,
        response: { 201: agentToken },
      },
    },
    async ({ body: { pod: name, namespace }, caller }, reply) => {
      // What the caller may was asked about the namespace that it works in.
      if (caller && caller.tenant !== namespace) {
        const problems = `header emufarm-namespace must name the pod's, ${namespace}, not ${caller.tenant}`;
        throw new FarmError("InvalidRequest", { problems });
      }
      return reply.code(201).send(await grantAgentAccess({ namespace, name }));
    },
  );
}
