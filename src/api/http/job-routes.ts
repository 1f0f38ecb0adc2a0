import { Readable } from "node:stream";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { objectName } from "../../core/schema/metadata.ts";
import { artifactName } from "../../core/wire/artifact.ts";
import { FARM_STOPS, FARM_TRAILER, jobId, jobRecord } from "../../core/wire/farm.ts";
import type { RouteContext } from "./api-server.ts";
import { openLog } from "./log-source.ts";
import { cancelBody } from "./run-routes.ts";

const tags = ["jobs"];
const params = z.object({ id: jobId });

export async function addJobRoutes(context: RouteContext): Promise<void> {
  const { app, jobs, store, cancellation, closing, isFarmStopping } = context;
  app.get(
    "/v1/jobs/:id",
    { schema: { tags, summary: "A job", params, response: { 200: jobRecord } } },
    ({ params: { id } }) => jobs.read(id),
  );
  app.post(
    "/v1/jobs/:id/cancel",
    { schema: { tags, summary: "Cancel a job", params, body: cancelBody, response: { 200: jobRecord } } },
    async ({ params: { id }, body }) => {
      await cancellation.cancelJob(id, body.reason);
      return await jobs.read(id);
    },
  );
  app.get(
    "/v1/jobs/:id/artifacts/:name",
    {
      schema: {
        tags,
        summary: "A file that the test has made, as the verdict lists them",
        params: params.extend({ name: artifactName }),
      },
    },
    async ({ params: { id, name } }, reply) => {
      const verdict = await store.readVerdict(id);
      const artifact = verdict?.result?.artifacts?.find((one) => one.name === name);
      const bytes = artifact && (await store.openArtifact({ jobId: id, attempt: verdict?.attempt ?? 0, name }));
      if (!bytes) throw new FarmError("NotFound", { kind: "artifact", name: `${name} of job ${id}` });
      return reply.type(artifact.mediaType).header("content-length", artifact.bytes).send(bytes);
    },
  );
  app.get(
    "/v1/jobs/:id/logs/:uart",
    {
      schema: {
        tags,
        summary: "Log of a UART, live or stored",
        params: params.extend({ uart: objectName }),
        querystring: z.object({
          follow: z.stringbool().default(false).describe("True goes on until the attempt has ended."),
          offset: z.coerce.number().int().min(0).default(0).describe("First byte."),
          attempt: z.coerce.number().int().min(1).optional().describe("Default: the last one."),
        }),
      },
    },
    async ({ params: { id, uart }, query, raw }, reply) => {
      const gone = new AbortController();
      raw.once("close", () => gone.abort());
      const signal = AbortSignal.any([closing, gone.signal]);
      const bytes = await openLog(context, { jobId: id, uart, ...query, signal });
      // Whoever follows it need not wait for a farm that does not come back.
      if (query.follow) reply.trailer(FARM_TRAILER, async () => (isFarmStopping() ? FARM_STOPS : ""));
      return reply.type("application/octet-stream").send(Readable.from(bytes, { objectMode: false }));
    },
  );
}
