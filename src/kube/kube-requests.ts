import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { errorOfStatus, KubeError, type StatusBody } from "./kube-error.ts";
import type { KubeLogin } from "./kube-login.ts";
import type { KubeMetrics } from "./kube-metrics.ts";
import { unlessAborted } from "./unless-aborted.ts";

export interface KubeCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  /** Sent as JSON. */
  readonly body?: object;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** What the answer shall be; default `application/json`. */
  readonly accept?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For an answer, all of it; default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** Called right before the request leaves, and where it has a body when that does; what it throws keeps it back. */
  readonly beforeSend?: (() => void) | undefined;
}

/** Requests to one API server. */
export interface KubeRequests extends AsyncDisposable {
  /** The answer's JSON. @throws {KubeError}, or the signal's reason */
  json<Value>(call: KubeCall): Promise<Value>;
  /** The answer's bytes as they come, until the server ends it. @throws as `json`; `Timeout` after so long a silence */
  bytes(call: KubeCall & { readonly silenceMs: number }): AsyncGenerator<Buffer>;
}

export interface KubeRequestsOptions {
  readonly login: KubeLogin;
  readonly metrics: KubeMetrics;
  readonly userAgent: string;
  /** For an answer, all of it. */
  readonly timeoutMs: number;
}

/** Why a stream is ended that may be dead. */
const SUSPECT = "Suspect";

export function createKubeRequests({ login, metrics, userAgent, timeoutMs }: KubeRequestsOptions): KubeRequests {
  const host = login.server.host;
  const basePath = login.server.pathname.replace(/\/$/, "");
  /** Streams that were open when the server fell silent: their connections may be dead without a word. */
  const streams = new Set<AbortController>();
  let isAway = false;

  function serverIsBack(): void {
    if (!isAway) return;
    isAway = false;
    const suspect = new KubeError({ status: 0, reason: SUSPECT, message: "the API server was away meanwhile" });
    for (const stream of streams) stream.abort(suspect);
  }

  async function sendOnce(call: KubeCall, signal: AbortSignal, silenceMs: number): Promise<Dispatcher.ResponseData> {
    const { headers, dispatcher } = await login.credentials();
    signal.throwIfAborted();
    call.beforeSend?.();
    const body = call.body && Buffer.from(JSON.stringify(call.body));
    try {
      const request = dispatcher.request({
        origin: login.server.origin,
        path: `${basePath}${call.path}${queryOf(call.query)}`,
        method: call.method,
        headers: {
          accept: call.accept ?? "application/json",
          "user-agent": userAgent,
          ...(body && { "content-type": call.contentType ?? "application/json", "content-length": `${body.length}` }),
          ...headers,
        },
        body: body && call.beforeSend ? checkedBody(body, call.beforeSend) : (body ?? null),
        signal,
        headersTimeout: silenceMs,
        bodyTimeout: silenceMs,
      });
      // undici tells of an abort only when it has a connection; it does not send the request then.
      const answer = await unlessAborted(request, signal);
      count(call, String(answer.statusCode));
      return answer;
    } catch (error) {
      count(call, "<error>");
      throw error;
    }
  }

  /** Once more where the login was not taken, with a fresh one. */
  async function send(call: KubeCall, signal: AbortSignal, silenceMs: number): Promise<Dispatcher.ResponseData> {
    let answer = await sendOnce(call, signal, silenceMs);
    if (answer.statusCode === 401) {
      await answer.body.dump();
      login.renew();
      answer = await sendOnce(call, signal, silenceMs);
    }
    serverIsBack();
    if (answer.statusCode >= 400) throw await refusalOf(answer);
    return answer;
  }

  const count = ({ method }: KubeCall, code: string) => metrics.requests.inc({ code, method, host });

  function translate(error: unknown, call: KubeCall): unknown {
    if (call.signal?.aborted) return call.signal.reason;
    const failure = isConnectionError(error) ? noAnswer(error, host) : error;
    // A stream that is silent says little: perhaps nothing happens.
    const isSilentStream = "silenceMs" in call && failure instanceof KubeError && failure.reason === "Timeout";
    if (failure instanceof KubeError && failure.status === 0 && failure.reason !== SUSPECT) isAway ||= !isSilentStream;
    return failure;
  }

  return {
    async json<Value>(call: KubeCall) {
      const answerMs = call.timeoutMs ?? timeoutMs;
      using deadline = deadlineAfter(answerMs, call.signal);
      try {
        const answer = await send(call, deadline.signal, answerMs);
        return (await jsonOf(answer)) as Value;
      } catch (error) {
        throw translate(error, call);
      }
    },
    async *bytes(call) {
      using stream = deadlineAfter(undefined, call.signal);
      try {
        const { body } = await send(call, stream.signal, call.silenceMs);
        streams.add(stream.controller);
        yield* body as AsyncIterable<Buffer>;
      } catch (error) {
        throw translate(error, call);
      } finally {
        streams.delete(stream.controller);
      }
    },
    async [Symbol.asyncDispose]() {
      await login[Symbol.asyncDispose]();
    },
  };
}

/** A signal that aborts after so long, and with another one, and leaves nothing behind when it is not needed any more. */
function deadlineAfter(timeoutMs: number | undefined, parent: AbortSignal | undefined) {
  const controller = new AbortController();
  const onAbort = () => controller.abort(parent?.reason);
  if (parent?.aborted) onAbort();
  parent?.addEventListener("abort", onAbort);
  const message = `the API server has not answered within ${timeoutMs} ms`;
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => controller.abort(new KubeError({ status: 0, reason: "Timeout", message })), timeoutMs);
  return {
    controller,
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      parent?.removeEventListener("abort", onAbort);
    },
  };
}

/**
 * A body that is checked in the very call that writes it to the connection: a request may wait for one, and the process
 * may stand still meanwhile. A server does nothing with a request that breaks off.
 */
function checkedBody(body: Buffer, beforeSend: () => void): Readable {
  return new Readable({
    read() {
      try {
        beforeSend();
        this.push(body);
        this.push(null);
      } catch (error) {
        // The stream's way to throw.
        this.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}

function queryOf(query: KubeCall["query"] = {}): string {
  const entries = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return entries.length === 0 ? "" : `?${new URLSearchParams(Object.fromEntries(entries))}`;
}

async function jsonOf({ statusCode, body }: Dispatcher.ResponseData): Promise<unknown> {
  const text = await body.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = "the API server's answer is not JSON";
    throw new KubeError({ status: statusCode, reason: "Unparsable", message, cause });
  }
}

async function refusalOf({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<KubeError> {
  const text = await body.text();
  const seconds = Number(headers["retry-after"]);
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined;
  return errorOfStatus(statusCode, statusBodyOf(text), retryAfterMs);
}

function statusBodyOf(text: string): StatusBody {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) return parsed;
  } catch {
    // Not everything in front of an API server speaks JSON: its words are the message then.
  }
  return { message: text.trim().slice(0, 500) };
}

/** What undici and Node throw where a connection could not be made, or broke. */
function isConnectionError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

function noAnswer(error: Error & { readonly code: string }, host: string): KubeError {
  const isSilent = error.code === "UND_ERR_HEADERS_TIMEOUT" || error.code === "UND_ERR_BODY_TIMEOUT";
  return new KubeError({
    status: 0,
    reason: isSilent ? "Timeout" : "Unreachable",
    message: `no answer from the API server at ${host}: ${error.message || error.code}`,
    cause: error,
  });
}
