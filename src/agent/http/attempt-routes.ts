import { z } from "zod";
import { refuseUnsupported } from "../../core/policy/refuse-unsupported.ts";
import { boardSpec } from "../../core/schema/board.ts";
import { artifactName } from "../../core/wire/artifact.ts";
import { attemptId, attemptSpec } from "../../core/wire/attempt.ts";
import type { HttpApp } from "../../http/server.ts";
import { checkPatterns } from "../../pattern/check-patterns.ts";
import type { AgentParts } from "../agent-parts.ts";
import { remembered } from "./remembered-schema.ts";

const putBody = attemptSpec.extend({ board: remembered(boardSpec) });
const idParams = z.object({ id: attemptId });
const epochHeaders = z.looseObject({
  "emufarm-epoch": z.coerce.number().int().min(0).optional().describe("Epoch of the dispatcher that asks."),
});
const cancelBody = z.strictObject({ reason: z.string().min(1).max(1_000) });
const acknowledgements = z.strictObject({ ids: z.array(attemptId).max(10_000) });

/** A spec carries a board, a scenario and URLs; a large scenario is some hundred kilobytes. */
const SPEC_LIMIT_BYTES = 4 * 1024 * 1024;

export function addAttemptRoutes(app: HttpApp, { attempts }: AgentParts): void {
  app.put(
    "/v1/attempts/:id",
    { schema: { params: idParams, headers: epochHeaders, body: putBody }, bodyLimit: SPEC_LIMIT_BYTES },
    async ({ params, headers, body }, reply) => {
      if (body.scenario) {
        refuseUnsupported(body.scenario, { name: body.boardName, spec: body.board });
        checkPatterns(body.scenario);
      }
      const { status, isNew } = attempts.put(params.id, body, headers["emufarm-epoch"]);
      return reply.code(isNew ? 201 : 200).send(status);
    },
  );
  app.get("/v1/attempts", async () => attempts.list());
  app.get("/v1/attempts/:id", { schema: { params: idParams } }, async ({ params }) => attempts.get(params.id));
  app.get(
    "/v1/attempts/:id/artifacts/:name",
    { schema: { params: idParams.extend({ name: artifactName }) } },
    async ({ params }, reply) => {
      const { artifact, bytes } = attempts.openArtifact(params.id, params.name);
      return reply.type(artifact.mediaType).send(bytes);
    },
  );
  app.post(
    "/v1/attempts/:id/cancel",
    { schema: { params: idParams, headers: epochHeaders, body: cancelBody } },
    async ({ params, headers, body }) => {
      attempts.checkEpoch(headers["emufarm-epoch"]);
      return attempts.cancel(params.id, body.reason);
    },
  );
  app.post(
    "/v1/acknowledgements",
    { schema: { headers: epochHeaders, body: acknowledgements } },
    async ({ headers, body }, reply) => {
      attempts.checkEpoch(headers["emufarm-epoch"]);
      await attempts.acknowledge(body.ids);
      return reply.code(204).send();
    },
  );
}
