import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { emulatorInstance } from "../../core/schema/emulator-instance.ts";
import { objectName } from "../../core/schema/metadata.ts";
import { type InstanceNews, instanceObject, instancePatch } from "../../core/wire/farm-instance.ts";
import { streamAnswer } from "../../http/stream-answer.ts";
import type { Instances } from "../instance/instances.ts";
import type { RouteContext } from "./api-server.ts";
import { createBell } from "./bell.ts";

const tags = ["instances"];
const params = z.object({ name: objectName });
/** A name that does not exist may be anything: it gets the nearest one for an answer. */
const anyName = z.object({ name: z.string().min(1).max(200) });
const listQuery = z.object({
  watch: z.stringbool().default(false).describe("True goes on with each change, as lines of JSON."),
});
const putHeaders = z.looseObject({
  "if-none-match": z.literal("*").optional().describe("Refuses to change an instance that is there already."),
});
const deleteQuery = z.object({ uid: z.string().max(64).optional().describe("The instance that is meant.") });
/** Firmware inline, in base64, is most of it. */
const BODY_LIMIT_BYTES = 1024 * 1024;
/** An empty line at least this often: a follower takes a longer silence for the farm's end. */
const HEARTBEAT_MS = 15_000;

/** Instances of a farm on one machine; on a cluster they are objects of Kubernetes. */
export async function addInstanceRoutes(context: RouteContext): Promise<void> {
  const { app, closing } = context;
  app.get(
    "/v1/instances",
    { schema: { tags, summary: "Instances", querystring: listQuery, response: { 200: z.array(instanceObject) } } },
    (request, reply) => {
      const instances = instancesOf(context);
      if (!request.query.watch) return instances.list();
      return streamAnswer(reply, "application/x-ndjson", closing, (signal) => newsLines(instances, signal));
    },
  );
  app.get(
    "/v1/instances/:name",
    { schema: { tags, summary: "An instance", params: anyName, response: { 200: instanceObject } } },
    ({ params: { name } }) => instancesOf(context).get(name),
  );
  const written = new WeakMap<object, Readonly<Record<string, unknown>>>();
  app.put(
    "/v1/instances/:name",
    {
      bodyLimit: BODY_LIMIT_BYTES,
      schema: {
        tags,
        summary: "Make an instance, or change it",
        description:
          "The object of Kubernetes. What it leaves out of power, paused and resetCount stays as it is; metadata.generation, where it is given, must be that of the instance.",
        params,
        headers: putHeaders,
        body: emulatorInstance,
        response: { 200: instanceObject, 201: instanceObject },
      },
      // What was left out must be told from what has its default value.
      preValidation: async ({ body, raw }: FastifyRequest) => {
        const { spec } = (body ?? {}) as { spec?: unknown };
        if (typeof spec === "object" && spec !== null) written.set(raw, spec as Record<string, unknown>);
      },
    },
    async ({ params: { name }, body, headers, raw }, reply) => {
      const { metadata } = body;
      if (metadata.name !== name) {
        const problems = `body.metadata.name: is ${metadata.name}, the path says ${name}`;
        throw new FarmError("InvalidRequest", { problems });
      }
      const { labels, annotations } = metadata;
      const seen = preconditionOf.parse(metadata);
      const mustBeNew = headers["if-none-match"] === "*";
      const given = { name, labels, annotations, ...seen, mustBeNew, spec: written.get(raw) ?? {} };
      const { object, isNew } = await instancesOf(context).put(given);
      return reply.code(isNew ? 201 : 200).send(object);
    },
  );
  app.patch(
    "/v1/instances/:name",
    {
      bodyLimit: BODY_LIMIT_BYTES,
      schema: {
        tags,
        summary: "Change some fields of an instance",
        params,
        body: instancePatch,
        response: { 200: instanceObject },
      },
    },
    ({ params: { name }, body: { metadata, spec } }) => instancesOf(context).patch(name, { ...metadata, spec }),
  );
  app.delete(
    "/v1/instances/:name",
    { schema: { tags, summary: "Delete an instance", params: anyName, querystring: deleteQuery } },
    async ({ params: { name }, query: { uid } }, reply) => {
      await instancesOf(context).delete(name, uid);
      return reply.code(204).send();
    },
  );
}

const preconditionOf = z.object({ uid: z.string().optional(), generation: z.number().int().optional() });

/** @throws {FarmError} InstancesOnCluster */
export function instancesOf({ instances }: Pick<RouteContext, "instances">): Instances {
  if (instances) return instances;
  throw new FarmError("InstancesOnCluster", {});
}

/** All that are there, and from then on each change; of one that changes faster than it is read, the newest. */
async function* newsLines(instances: Instances, signal: AbortSignal): AsyncGenerator<string> {
  const pending = new Map<string, InstanceNews>();
  const bell = createBell(signal);
  const stop = instances.watch((news) => {
    const name = news.type === "deleted" ? news.name : news.type === "instance" ? news.instance.metadata.name : "";
    pending.delete(name);
    pending.set(name, news);
    bell.ring();
  });
  try {
    const listed: InstanceNews[] = instances.list().map((instance) => ({ type: "instance", instance }));
    yield linesOf([...listed, { type: "listed" }]);
    while (!signal.aborted) {
      await bell.wait(HEARTBEAT_MS);
      const news = [...pending.values()];
      pending.clear();
      yield news.length === 0 ? "\n" : linesOf(news);
    }
  } finally {
    stop();
    bell.stop();
  }
}

function linesOf(news: readonly InstanceNews[]): string {
  return news.map((one) => `${JSON.stringify(one)}\n`).join("");
}
