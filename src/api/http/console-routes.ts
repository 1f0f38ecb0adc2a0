import type { WebSocket } from "ws";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { attemptIdOf, parseJobId } from "../../core/policy/attempt-id.ts";
import { objectName } from "../../core/schema/metadata.ts";
import { jobId } from "../../core/wire/farm.ts";
import type { JobPlace } from "../queue/waiting-room.ts";
import type { RouteContext } from "./api-server.ts";
import { findPlace, watchRun } from "./log-source.ts";

/** Bytes that may wait for a slow side before the other one is paused. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const NORMAL_CLOSURE = 1000;
const INTERNAL_ERROR = 1011;
const MAX_REASON_BYTES = 120;

const params = z.object({ id: jobId, uart: objectName });

/** A UART of a job, both ways, passed through to the agent. A job that waits is waited for. */
export async function addConsoleRoutes(context: RouteContext): Promise<void> {
  const { app, store, closing } = context;
  app.get(
    "/v1/jobs/:id/uarts/:uart",
    {
      websocket: true,
      schema: { tags: ["jobs"], summary: "Console of a UART (WebSocket)", params },
      preHandler: async ({ params: { id } }) => {
        if (await store.readVerdict(id)) {
          throw new FarmError("Conflict", { what: `A console of job ${id}`, problem: "the job has finished" });
        }
        const run = await store.readRun(parseJobId(id).runId);
        if (!run?.spec.jobs[parseJobId(id).index]) throw new FarmError("NotFound", { kind: "job", name: id });
      },
    },
    (socket, { params: { id, uart } }) => {
      const gone = new AbortController();
      socket.on("close", () => gone.abort());
      connect(context, socket, id, uart, AbortSignal.any([closing, gone.signal])).catch((error: unknown) => {
        const reason = FarmError.from(error).message;
        socket.close(INTERNAL_ERROR, Buffer.from(reason).subarray(0, MAX_REASON_BYTES));
      });
    },
  );
}

async function connect(
  context: RouteContext,
  caller: WebSocket,
  id: string,
  uart: string,
  signal: AbortSignal,
): Promise<void> {
  // What is typed before the guest runs is for the guest.
  const early: { data: Buffer; isText: boolean }[] = [];
  let earlyBytes = 0;
  let send = (data: Buffer, isText: boolean): void => {
    earlyBytes += data.length;
    if (earlyBytes <= MAX_BUFFERED_BYTES) early.push({ data, isText });
  };
  caller.on("message", (data: Buffer, isBinary: boolean) => send(data, !isBinary));

  const place = await waitForPlace(context, id, signal);
  const agent = place && context.agents.get(place.agent);
  if (!place || !agent) return caller.close(NORMAL_CLOSURE, "the job has finished");
  // Messages may come before the promise of the connection has settled.
  let opened: WebSocket | undefined;
  const upstream = await agent.openConsole({ attempt: attemptIdOf(id, place.attempt) }, uart, (data, isText) => {
    caller.send(data, { binary: !isText }, () => {
      if (caller.bufferedAmount < MAX_BUFFERED_BYTES) opened?.resume();
    });
    if (caller.bufferedAmount > MAX_BUFFERED_BYTES) opened?.pause();
  });
  opened = upstream;
  send = (data, isText) => {
    upstream.send(data, { binary: !isText }, () => {
      if (upstream.bufferedAmount < MAX_BUFFERED_BYTES) caller.resume();
    });
    if (upstream.bufferedAmount > MAX_BUFFERED_BYTES) caller.pause();
  };
  for (const { data, isText } of early) send(data, isText);
  upstream.on("close", () => caller.close(NORMAL_CLOSURE, "the attempt has ended"));
  signal.addEventListener("abort", () => upstream.close());
  if (signal.aborted) upstream.close();
}

async function waitForPlace(context: RouteContext, id: string, signal: AbortSignal): Promise<JobPlace | undefined> {
  const run = await context.store.readRun(parseJobId(id).runId);
  if (!run) return undefined;
  using watch = await watchRun(context, run.id, signal);
  while (!signal.aborted) {
    const place = await findPlace(context, run, id);
    if (place) return place;
    if (await context.store.readVerdict(id)) return undefined;
    await watch.next();
  }
  return undefined;
}
