import { Readable } from "node:stream";
import { DEFAULT_POOL } from "../run/run-submission.ts";
import type { RouteContext } from "./api-server.ts";
import { feedQueue } from "./queue-feed.ts";

export async function addQueueRoutes({ app, queue, closing }: RouteContext): Promise<void> {
  app.get(
    "/v1/queue/events",
    {
      schema: {
        tags: ["queue"],
        summary: "How many jobs wait for a slot, now and whenever that changes",
        description: "A line of JSON each: `{waiting}`. An empty line each 15 s says that nothing has changed.",
      },
    },
    async ({ raw }, reply) => {
      const gone = new AbortController();
      raw.once("close", () => gone.abort());
      const signal = AbortSignal.any([closing, gone.signal]);
      const feed = feedQueue({ queue, pool: DEFAULT_POOL, signal });
      return reply.type("application/x-ndjson").header("cache-control", "no-cache").send(Readable.from(feed));
    },
  );
}
