import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { SecureContextOptions, Server as SecureServer } from "node:tls";
import websocket from "@fastify/websocket";
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type RawServerDefault,
} from "fastify";
import { validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import { Counter, type Registry } from "prom-client";
import { FarmError } from "../core/error/farm-error.ts";
import type { Log } from "../log/log.ts";
import { toFarmError } from "./error-answer.ts";
import { listen } from "./listen.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { ServerIdentity } from "./server-identity.ts";
import { type Caller, createTrust, type Trust, type TrustOptions, WEBSOCKET_PROTOCOL } from "./trust.ts";

/** A fastify instance whose routes take zod schemas. */
export type HttpApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

declare module "fastify" {
  interface FastifyContextConfig {
    /** True answers callers without a token. */
    isPublic?: boolean;
  }
  interface FastifyRequest {
    /** Who calls; undefined for whoever has the token of the file, and where there are no others. */
    caller: Caller | undefined;
  }
}

export interface HttpServerOptions {
  readonly log: Log;
  readonly trust: TrustOptions;
  /** Served under /metrics; the server adds its own. */
  readonly metrics: Registry;
  /** Why the server is not ready to work, or undefined when it is; answered by /readyz. */
  readonly notReady?: () => string | undefined;
  /** Speaks TLS with this identity; without it, plain HTTP. */
  readonly tls?: ServerIdentity | undefined;
  /** Why it closes, in at most 120 bytes, for whoever has a WebSocket open. */
  readonly farewell?: () => string;
  /** Limit of JSON bodies; a route may set its own. */
  readonly bodyLimitBytes?: number;
  /** Serves the description of the routes under /openapi.json. */
  readonly openApi?: { readonly title: string; readonly version: string; readonly description: string };
}

export interface HttpServer extends AsyncDisposable {
  /** Routes are added here, before `listen`. */
  readonly app: HttpApp;
  /** Aborted when the server begins to close: endless streams end by it. */
  readonly closing: AbortSignal;
  /**
   * @param option how a person chooses another port, for the error's sentence.
   * @throws {FarmError} PortInUse, SocketPathTooLong, Conflict
   */
  listen(address: ListenAddress, option?: string): Promise<ListenAddress>;
  /** Shows another certificate from now on, to connections that are new. The server must have begun with one. */
  setIdentity(identity: ServerIdentity): void;
  /** Ends open streams, lets running requests finish for `graceMs`, then cuts what is left. */
  close(graceMs?: number): Promise<void>;
}

const DEFAULT_BODY_LIMIT_BYTES = 1024 * 1024;
/** An image of 16 MiB in base64, for front ends that send firmware as a message. */
const MAX_WEBSOCKET_MESSAGE_BYTES = 24 * 1024 * 1024;
const CLOSE_GRACE_MS = 2_000;
/** WebSocket status "going away" (RFC 6455, 7.4.1). */
const GOING_AWAY = 1001;

export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const limitBytes = options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES;
  const closing = new AbortController();
  const app: HttpApp = fastify({
    ...tlsOptions(options.tls),
    logger: false,
    bodyLimit: limitBytes,
    forceCloseConnections: "idle",
    // Endless answers have no use for it.
    exposeHeadRoutes: false,
    // A name in a path may be as long as an attempt's id and then some.
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (error, _request, reply) => void answer(reply, toFarmError(error, limitBytes)),
    schemaController: { compilersFactory: { buildValidator: notBuilt, buildSerializer: notBuilt } },
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  // Types have checked the answers already; checking each again would cost more than making it.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  answerErrors(app, options.log, limitBytes);
  // Its hooks come first: they also end the connection of an upgrade that is refused.
  await acceptWebSockets(app, options.farewell);
  const cutConnections = rememberConnections(app);
  let isUnixSocket = false;
  checkTrust(app, createTrust(options.trust), () => isUnixSocket);
  countRequests(app, options.metrics);
  if (options.openApi) {
    const { describeRoutes } = await import("./open-api.ts");
    await describeRoutes(app, options.openApi);
  }
  serveHealth(app, options);

  const close = async (graceMs = CLOSE_GRACE_MS) => {
    closing.abort(new FarmError("Cancelled", { reason: "the server is closing" }));
    const cut = setTimeout(cutConnections, graceMs);
    await app.close().finally(() => clearTimeout(cut));
  };
  return {
    app,
    closing: closing.signal,
    listen(address, option = "another address") {
      isUnixSocket = address.kind === "unix";
      return listen(app, address, option);
    },
    setIdentity(identity) {
      (app.server as unknown as SecureServer).setSecureContext(contextOf(identity));
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** Typed as nothing: fastify tells servers with TLS apart, but routes and hooks are the same. */
function tlsOptions(identity: ServerIdentity | undefined): object {
  return identity ? { https: contextOf(identity) } : {};
}

function contextOf({ key, certificate }: ServerIdentity): SecureContextOptions {
  return { key, cert: certificate, minVersion: "TLSv1.3" };
}

/**
 * Stands where fastify would load its own compilers, for JSON Schema: they take a tenth of a second of each start.
 * Those for zod are set on the server itself.
 */
function notBuilt(): never {
  throw new FarmError("Internal", { detail: "a compiler for JSON Schema was asked for" });
}

function answer(reply: FastifyReply, error: FarmError): FastifyReply {
  if (error.status === 401) reply.header("www-authenticate", 'Bearer realm="emufarm"');
  // Errors of a guest's test have no status of their own: told as an answer they are a conflict.
  return reply.code(error.status < 400 ? 409 : error.status).send(error.toBody());
}

function answerErrors(app: HttpApp, log: Log, limitBytes: number): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = toFarmError(thrown, request.routeOptions.bodyLimit ?? limitBytes);
    if (error.code === "Internal") {
      log.error({ err: thrown, method: request.method, path: pathOf(request.url) }, "request failed");
    }
    return answer(reply, error);
  });
  app.setNotFoundHandler((request, reply) =>
    answer(reply, new FarmError("NotFound", { kind: "route", name: `${request.method} ${pathOf(request.url)}` })),
  );
}

/** A query may hold a signature: it is for no log and no answer. */
function pathOf(url: string): string {
  return url.split("?", 1)[0] ?? "";
}

function checkTrust(app: HttpApp, trust: Trust, isUnixSocket: () => boolean): void {
  app.decorateRequest("caller", undefined);
  app.addHook("onRequest", async (request) => {
    trust.checkOrigin(request.headers, isUnixSocket());
    const { config, url: route } = request.routeOptions;
    if (config.isPublic === true) return;
    const { method, headers } = request;
    const params = request.params as Record<string, string>;
    request.caller = await trust.checkToken({ method, route, headers, params });
  });
}

function countRequests(app: HttpApp, metrics: Registry): void {
  const requests = new Counter({
    name: "emufarm_http_requests_total",
    help: "Requests by method, route and status.",
    labelNames: ["method", "route", "status"],
    registers: [metrics],
  });
  app.addHook("onResponse", (request, reply, done) => {
    // The method is free text of the caller where no route took it.
    const route = request.routeOptions.url;
    const method = route === undefined ? "other" : request.method;
    requests.inc({ method, route: route ?? "none", status: reply.statusCode });
    done();
  });
}

async function acceptWebSockets(app: HttpApp, farewell = () => "the server is closing"): Promise<void> {
  await app.register(websocket, {
    options: {
      maxPayload: MAX_WEBSOCKET_MESSAGE_BYTES,
      perMessageDeflate: false,
      handleProtocols: (protocols) => (protocols.has(WEBSOCKET_PROTOCOL) ? WEBSOCKET_PROTOCOL : false),
    },
    preClose(done) {
      const reason = farewell();
      for (const client of app.websocketServer.clients) client.close(GOING_AWAY, reason);
      app.websocketServer.close();
      done();
    },
  });
}

/** Upgraded connections too, which the server itself forgets. Returns how to end them all. */
function rememberConnections(app: HttpApp): () => void {
  const connections = new Set<Socket>();
  app.server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  return () => {
    for (const socket of connections) socket.destroy();
  };
}

function serveHealth(app: HttpApp, options: HttpServerOptions): void {
  const config = { isPublic: true };
  const hidden = { hide: true };
  app.get("/healthz", { config, schema: hidden }, async () => ({ status: "ok" }));
  app.get("/readyz", { config, schema: hidden }, async (_request, reply) => {
    const reason = options.notReady?.();
    return reason === undefined ? { status: "ok" } : reply.code(503).send({ status: "notReady", reason });
  });
  app.get("/metrics", { config, schema: hidden }, async (_request, reply) =>
    reply.type(options.metrics.contentType).send(await options.metrics.metrics()),
  );
}
