import { Readable } from "node:stream";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { JOB_STATES, jobSpec } from "../../core/schema/job.ts";
import { runSpec } from "../../core/schema/run.ts";
import { verdictName } from "../../core/verdict.ts";
import { jobId, jobRecord, runId, runRecord } from "../../core/wire/farm.ts";
import type { Caller } from "../../http/trust.ts";
import { writeJsonReport } from "../report/json-report.ts";
import { writeJunitReport } from "../report/junit-report.ts";
import type { RunHead, Store } from "../store/store.ts";
import type { RouteContext } from "./api-server.ts";
import { feedRun } from "./run-feed.ts";

/** A run of 100,000 jobs with a scenario each. */
const MAX_RUN_BYTES = 512 * 1024 * 1024;
const tags = ["runs"];
const params = z.object({ id: runId });
const keyHeader = z.object({
  "idempotency-key": z.string().min(1).max(255).optional().describe("The same key is the same run."),
});
export const cancelBody = z
  .strictObject({ reason: z.string().max(1_000).default("cancelled by a caller").describe("Why.") })
  .prefault({});

export async function addRunRoutes(context: RouteContext): Promise<void> {
  addSubmission(context);
  addReading(context);
  addStreams(context);
}

function addSubmission({ app, submit, ledger, jobs, tenant, cancellation }: RouteContext): void {
  app.post(
    "/v1/runs",
    {
      bodyLimit: MAX_RUN_BYTES,
      schema: {
        tags,
        summary: "Submit a run",
        body: runSpec,
        headers: keyHeader,
        response: { 200: runRecord, 201: runRecord },
      },
    },
    async ({ body, headers, caller }, reply) => {
      const { run, isNew } = await submit({ spec: body, ...submitterOf(caller, tenant, headers["idempotency-key"]) });
      return reply.code(isNew ? 201 : 200).send(found(await ledger.record(run.id), run.id));
    },
  );
  app.post(
    "/v1/jobs",
    {
      schema: {
        tags,
        summary: "Submit one job",
        body: jobSpec,
        headers: keyHeader,
        response: { 200: jobRecord, 201: jobRecord },
      },
    },
    async ({ body, headers, caller }, reply) => {
      const submitter = submitterOf(caller, tenant, headers["idempotency-key"]);
      const { run, isNew } = await submit({ spec: { jobs: [body] }, ...submitter });
      return reply.code(isNew ? 201 : 200).send(await jobs.read(`${run.id}-000000`));
    },
  );
  app.post(
    "/v1/runs/:id/cancel",
    { schema: { tags, summary: "Cancel a run", params, body: cancelBody, response: { 200: runRecord } } },
    async ({ params: { id }, body }) => {
      await cancellation.cancelRun(id, body.reason);
      return found(await ledger.record(id), id);
    },
  );
}

function addReading({ app, store, ledger, jobs }: RouteContext): void {
  app.get(
    "/v1/runs",
    {
      schema: {
        tags,
        summary: "Runs, newest first",
        querystring: z.object({
          limit: z.coerce.number().int().min(1).max(1_000).default(50),
          before: runId.optional(),
        }),
        response: { 200: z.array(runRecord) },
      },
    },
    async ({ query: { limit, before }, caller }) => {
      const heads = await listRuns(store, limit, before, caller);
      const records = await Promise.all(heads.map(({ id }) => ledger.record(id)));
      return records.filter((record) => record !== undefined);
    },
  );
  app.get(
    "/v1/runs/:id",
    { schema: { tags, summary: "A run", params, response: { 200: runRecord } } },
    async ({ params: { id } }) => found(await ledger.record(id), id),
  );
  app.get(
    "/v1/runs/:id/jobs",
    {
      schema: {
        tags,
        summary: "Jobs of a run, in their order",
        params,
        querystring: z.object({
          state: z.enum(JOB_STATES).optional(),
          verdict: verdictName.optional(),
          limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
          after: jobId.optional(),
        }),
        response: { 200: z.array(jobRecord) },
      },
    },
    ({ params: { id }, query }) => jobs.list(id, query),
  );
}

function addStreams({ app, store, ledger, closing, isFarmStopping }: RouteContext): void {
  app.get(
    "/v1/runs/:id/events",
    {
      schema: {
        tags,
        summary: "What happens to a run, as server-sent events",
        description:
          "Events `run`, `jobRunning`, `jobFinished` and `end`; `farmStops` where somebody stops the farm. After a break, `last-event-id` goes on behind it.",
        params,
        headers: z.object({ "last-event-id": z.string().max(100).optional() }),
      },
    },
    async ({ params: { id }, headers, raw }, reply) => {
      if (!(await store.readRunHead(id))) throw notFound(id);
      const gone = new AbortController();
      raw.once("close", () => gone.abort());
      const signal = AbortSignal.any([closing, gone.signal]);
      const feed = feedRun({ store, ledger, runId: id, lastEventId: headers["last-event-id"], signal, isFarmStopping });
      return reply.type("text/event-stream").header("cache-control", "no-cache").send(Readable.from(feed));
    },
  );
  app.get(
    "/v1/runs/:id/junit",
    { schema: { tags, summary: "The run's report as JUnit XML", params } },
    async ({ params: { id } }, reply) => {
      const run = await store.readRun(id);
      if (!run) throw notFound(id);
      return reply.type("application/xml").send(await writeJunitReport(store, run));
    },
  );
  app.get(
    "/v1/runs/:id/report",
    { schema: { tags, summary: "The run's report as JSON", params } },
    async ({ params: { id } }, reply) => {
      const run = await store.readRun(id);
      const record = await ledger.record(id);
      if (!run || !record) throw notFound(id);
      return reply.type("application/json").send(Readable.from(writeJsonReport(store, run, record)));
    },
  );
}

function found<Value>(value: Value | undefined, runId: string): Value {
  if (value === undefined) throw notFound(runId);
  return value;
}

function notFound(runId: string): FarmError {
  return new FarmError("NotFound", { kind: "run", name: runId });
}

/** Keys of one tenant are none of another's. */
function submitterOf(caller: Caller | undefined, tenant: string, key: string | undefined) {
  if (!caller) return { tenant, ...(key !== undefined && { key }) };
  return { tenant: caller.tenant, ...(key !== undefined && { key: `${caller.tenant}/${key}` }) };
}

/** Those that the caller may see: of its tenant, or all of them. */
async function listRuns(
  store: Store,
  limit: number,
  before: string | undefined,
  caller: Caller | undefined,
): Promise<RunHead[]> {
  const found: RunHead[] = [];
  for (let from = before; found.length < limit; ) {
    const page = await store.listRuns({ limit, ...(from !== undefined && { before: from }) });
    found.push(...page.filter(({ tenant }) => !caller || tenant === caller.tenant));
    from = page.at(-1)?.id;
    if (page.length < limit) break;
  }
  return found.slice(0, limit);
}
