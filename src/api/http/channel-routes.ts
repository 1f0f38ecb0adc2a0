import type { IncomingMessage } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { objectName } from "../../core/schema/metadata.ts";
import { jobId } from "../../core/wire/farm.ts";
import type { HttpApp } from "../../http/server.ts";
import type { RouteContext } from "./api-server.ts";
import { CHANNEL_PATHS, type ChannelPath } from "./channel-paths.ts";
import { ChannelSession } from "./channel-session.ts";
import { type GuestPlaces, instancePlaces, jobPlaces } from "./guest-places.ts";
import { endWithError } from "./message-relay.ts";

/** Most bytes that are passed on in one request. */
const BODY_LIMIT_BYTES = 1024 * 1024;
/** The agent's own patience with its emulator is shorter. */
const ANSWER_SILENCE_MS = 120_000;
/** What of an answer is about its body. */
const PASSED_HEADERS = ["content-type", "content-length", "content-disposition", "cache-control"] as const;

/** Whose channels, under which path of the API. */
interface ChannelOwners {
  readonly tag: string;
  /** Path up to the owner's name. */
  readonly path: string;
  readonly key: string;
  readonly nameSchema: z.ZodType<string>;
  readonly places: GuestPlaces;
}

/** The channels of jobs and instances, passed through to their agents as they are. */
export async function addChannelRoutes(context: RouteContext): Promise<void> {
  const owners: ChannelOwners[] = [
    { tag: "jobs", path: "/v1/jobs", key: "id", nameSchema: jobId, places: jobPlaces(context) },
    { tag: "instances", path: "/v1/instances", key: "name", nameSchema: objectName, places: instancePlaces(context) },
  ];
  await context.app.register(async (app: HttpApp) => {
    // Bodies are for the agent to read; here they are only bytes.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    for (const owner of owners) for (const channel of CHANNEL_PATHS) addChannel(app, context, owner, channel);
  });
}

function addChannel(app: HttpApp, context: RouteContext, owner: ChannelOwners, channel: ChannelPath): void {
  const { methods, hasWebSocket, summary, description } = channel;
  const url = `${owner.path}/:${owner.key}/${channel.path}`;
  const params = z.object({ [owner.key]: owner.nameSchema, ...channel.params });
  const schema = { tags: [owner.tag, "channels"], summary, description, params };
  const answer = (request: FastifyRequest, reply: FastifyReply) => passRequest(context, owner, request, reply);
  for (const method of methods.filter((one) => !(one === "GET" && hasWebSocket))) {
    app.route({ method, url, schema, bodyLimit: BODY_LIMIT_BYTES, handler: answer });
  }
  if (!hasWebSocket) return;
  const sessions = new WeakMap<IncomingMessage, ChannelSession>();
  app.route({
    method: "GET",
    url,
    schema,
    handler: methods.includes("GET") ? answer : needUpgrade,
    // What is refused is refused before the upgrade, as an error that the caller can read.
    preHandler: async (request: FastifyRequest) => {
      if (!request.ws) return;
      const name = nameOf(request, owner);
      const place = await owner.places.find(name);
      const session = new ChannelSession(pathOf(request, owner));
      if (place) await session.open(place);
      request.raw.socket.once("close", () => session.connectionEnded());
      sessions.set(request.raw, session);
    },
    wsHandler: (socket: WebSocket, request: FastifyRequest) => {
      const session = sessions.get(request.raw);
      if (!session) return endWithError(socket, "the channel was not opened");
      const name = nameOf(request, owner);
      const gone = new AbortController();
      socket.once("close", () => gone.abort());
      const signal = AbortSignal.any([context.closing, gone.signal]);
      session
        .join(socket, (left) => owner.places.wait(name, signal, left))
        .catch((error: unknown) => {
          endWithError(socket, FarmError.from(error).message);
        });
    },
  });
}

async function passRequest(
  { closing }: RouteContext,
  owner: ChannelOwners,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const name = nameOf(request, owner);
  const path = pathOf(request, owner);
  const place = await owner.places.find(name);
  if (!place) {
    throw new FarmError("ChannelUnreachable", { channel: path, instance: name, problem: "it has not begun" });
  }
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  const contentType = request.headers["content-type"];
  const { status, headers, body } = await place.agent.channels(place.guest).answer({
    method: request.method as "GET" | "PUT" | "POST",
    path,
    ...(request.body instanceof Uint8Array && { bytes: request.body }),
    ...(contentType !== undefined && { headers: { "content-type": contentType } }),
    signal: AbortSignal.any([closing, gone.signal]),
    silenceMs: ANSWER_SILENCE_MS,
    // A log that is followed may be silent as long as the guest is.
    bodySilenceMs: 0,
  });
  for (const header of PASSED_HEADERS) {
    const value = headers[header];
    if (value !== undefined) reply.header(header, value);
  }
  return reply.code(status).send(body);
}

function needUpgrade(): never {
  throw new FarmError("InvalidRequest", {
    problems: "this channel is a WebSocket: the request needs `upgrade: websocket`",
  });
}

function nameOf({ params }: FastifyRequest, { key }: ChannelOwners): string {
  return (params as Readonly<Record<string, string>>)[key] ?? "";
}

/** What stands behind the owner's name, with the query, as it came: its parts have been checked. */
function pathOf({ url }: FastifyRequest, { path }: ChannelOwners): string {
  const named = url.slice(path.length + 1);
  return named.slice(named.indexOf("/") + 1);
}
