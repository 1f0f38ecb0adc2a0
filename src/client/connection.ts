import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import request from "undici/lib/api/api-request.js";
import Pool from "undici/lib/dispatcher/pool.js";
import type { WebSocket } from "ws";
import type { ErrorBody } from "../core/error/error-body.ts";
import { FarmError } from "../core/error/farm-error.ts";
import { type ServerTrust, sharedContext, trustingConnector, trustOptions } from "./server-trust.ts";

export interface ConnectionOptions {
  /** `unix:/path`, `tcp:host:port`, `http://host:port` or `https://host:port`. */
  readonly address: string;
  readonly token: TokenSource;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How an `https:` server shows who it is; default: as on the web. */
  readonly tls?: ServerTrust | undefined;
  /** The error where nobody answers, or the connection breaks. */
  lost(detail: string, cause: unknown): FarmError;
}

/** What a caller shows: one token for good, or one for each request. */
export type TokenSource = string | (() => Promise<string>);

export interface Call {
  readonly method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  /** Path with the query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly bytes?: Uint8Array | Readable;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Longest silence of the server: before the answer begins, and within it; 0: for ever. Default 30 s. */
  readonly silenceMs?: number;
  /** Longest silence within the answer, where it is another. */
  readonly bodySilenceMs?: number;
  /** Told when the answer begins; its first byte may be long in coming. */
  readonly onAnswer?: () => void;
  /** Told what the server said behind the last byte of the answer. */
  readonly onTrailers?: (trailers: Readonly<Record<string, string>>) => void;
}

/** What a server answered, whatever its status. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

/** One message of a WebSocket. */
export type MessageListener = (data: Buffer, isText: boolean) => void;

/** Connections to one server of the farm, kept open. */
export interface Connection extends AsyncDisposable {
  readonly address: string;
  /** The answer's JSON, or undefined for 204. @throws {FarmError} what the server said, or `lost` */
  json<Value>(call: Call): Promise<Value>;
  /** The answer's bytes as they come. Breaking off the loop ends the request. @throws as `json` */
  bytes(call: Call): AsyncGenerator<Buffer>;
  /** What was answered, errors too. @throws `lost` where nobody did */
  answer(call: Call): Promise<Answer>;
  /** Opens a WebSocket; the listener misses nothing. @throws as `json` */
  webSocket(path: string, onMessage: MessageListener): Promise<WebSocket>;
}

const DEFAULT_SILENCE_MS = 30_000;
const MAX_SOCKET_MESSAGE_BYTES = 16 * 1024 * 1024;

export function createConnection(options: ConnectionOptions): Connection {
  const { origin, socketPath } = parseAddress(options.address);
  const authorize = bearer(options.token);
  const tls = options.tls && { context: sharedContext(), ...options.tls };
  const connect = tls ? trustingConnector(tls) : { ...(socketPath !== undefined && { socketPath }) };
  const pool = new Pool(origin, { connect });

  const translate = (error: unknown, signal: AbortSignal | undefined): unknown => {
    if (error instanceof FarmError) return error;
    if (signal?.aborted) return signal.reason;
    return options.lost(detailOf(error), error);
  };

  const ask = async (call: Call): Promise<Dispatcher.ResponseData> => {
    const authorization = await authorize();
    const silenceMs = call.silenceMs ?? DEFAULT_SILENCE_MS;
    return request.call(pool, {
      method: call.method,
      path: call.path,
      headers: {
        authorization,
        ...options.headers,
        ...(call.body !== undefined && { "content-type": "application/json" }),
        ...(call.bytes !== undefined && { "content-type": "application/octet-stream" }),
        ...call.headers,
      },
      body: call.bytes ?? (call.body === undefined ? null : JSON.stringify(call.body)),
      signal: call.signal ?? null,
      headersTimeout: silenceMs,
      bodyTimeout: call.bodySilenceMs ?? silenceMs,
    });
  };

  const send = async (call: Call): Promise<Dispatcher.ResponseData> => {
    const answer = await ask(call);
    if (answer.statusCode >= 400) throw errorOf(await answer.body.text(), answer.statusCode, options);
    return answer;
  };

  return {
    address: options.address,
    async json<Value>(call: Call) {
      try {
        const { body, statusCode } = await send(call);
        if (statusCode !== 204) return (await body.json()) as Value;
        await body.dump();
        return undefined as Value;
      } catch (error) {
        throw translate(error, call.signal);
      }
    },
    async *bytes(call) {
      try {
        const { body, trailers } = await send(call);
        call.onAnswer?.();
        yield* body as AsyncIterable<Buffer>;
        call.onTrailers?.(trailers);
      } catch (error) {
        throw translate(error, call.signal);
      }
    },
    async answer(call) {
      try {
        const { statusCode, headers, body } = await ask(call);
        return { status: statusCode, headers, body };
      } catch (error) {
        throw translate(error, call.signal);
      }
    },
    async webSocket(path, onMessage) {
      const [{ WebSocket }, authorization] = await Promise.all([import("ws"), authorize()]);
      const url = socketPath === undefined ? `${origin.replace("http", "ws")}${path}` : `ws+unix:${socketPath}:${path}`;
      const socket = new WebSocket(url, {
        ...(tls && trustOptions(tls)),
        headers: { authorization, ...options.headers },
        maxPayload: MAX_SOCKET_MESSAGE_BYTES,
        perMessageDeflate: false,
      });
      socket.on("message", (data, isBinary) => onMessage(data as Buffer, !isBinary));
      await opened(socket, options);
      return socket;
    },
    async [Symbol.asyncDispose]() {
      // Endless streams end with their connection: who reads them gets `lost`.
      await pool.destroy();
    },
  };
}

function bearer(token: TokenSource): () => Promise<string> {
  if (typeof token === "string") return async () => `Bearer ${token}`;
  return async () => `Bearer ${await token()}`;
}

function parseAddress(address: string): { origin: string; socketPath?: string } {
  if (address.startsWith("unix:")) return { origin: "http://localhost", socketPath: address.slice("unix:".length) };
  return { origin: address.replace(/^tcp:/, "http://").replace(/\/$/, "") };
}

function opened(socket: WebSocket, options: ConnectionOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("open", resolve);
  socket.on("error", (error) => reject(options.lost(detailOf(error), error)));
  socket.once("unexpected-response", (_request: unknown, answer: IncomingMessage) => {
    let text = "";
    answer.setEncoding("utf8");
    answer.on("data", (chunk: string) => {
      text += chunk;
    });
    answer.once("close", () => {
      reject(errorOf(text, answer.statusCode ?? 0, options));
      socket.terminate();
    });
  });
  return promise;
}

/** What the server said, or, where that is no error of the farm's, that something else answers there. */
function errorOf(text: string, status: number, options: ConnectionOptions): FarmError {
  try {
    return FarmError.fromBody(JSON.parse(text) as ErrorBody);
  } catch (cause) {
    return options.lost(`it answered with status ${status} and no error of the farm`, cause);
  }
}

function detailOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return error.message || (code ?? error.name);
}
