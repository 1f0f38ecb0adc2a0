import { lookup as resolve } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { FarmError } from "../../core/error/farm-error.ts";
import type { AddressRules } from "./address-rules.ts";

/** Addresses of a host, all of them. */
export type ResolveHost = (host: string) => Promise<{ readonly address: string; readonly family: number }[]>;

export interface WebSourceOptions {
  readonly rules: AddressRules;
  readonly maxBytes: number;
  /** For a whole download, redirects included. */
  readonly timeoutMs: number;
  readonly resolveHost?: ResolveHost;
}

export interface WebRequest {
  readonly url: string;
  /** Media types; default: any. */
  readonly accept?: string;
  /** Shown to the origin of the URL, and to no other that it leads to. */
  readonly authorization?: string | undefined;
  /** Ends it; default: after the longest time of a download. */
  readonly signal?: AbortSignal;
}

/** What a server has answered, whatever its status. */
export interface WebAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As many as are allowed; more are an error. */
  readonly bytes: Readable;
}

/** Fetches firmware from addresses that users name. */
export interface WebSource {
  /**
   * Opens a download, and gives its bytes to the receiver.
   * @throws {FarmError} FirmwareSourceRefused, FirmwareSourceFailed, BodyTooLarge, and what the receiver throws
   */
  fetch<Received>(request: WebRequest, receive: (bytes: Readable) => Promise<Received>): Promise<Received>;
  /** Hands over the answer, which ends when the user of it is done. @throws as `fetch` */
  ask<Outcome>(request: WebRequest, use: (answer: WebAnswer) => Promise<Outcome>): Promise<Outcome>;
  /** Begins the time of a download that takes several requests. */
  deadline(): AbortSignal;
}

const MAX_REDIRECTS = 5;
const CONNECT_TIMEOUT_MS = 10_000;
const SILENCE_MS = 30_000;

export function createWebSource(options: WebSourceOptions): WebSource {
  const { rules, maxBytes, timeoutMs, resolveHost = (host) => resolve(host, { all: true }) } = options;
  const lookup = checkedLookup(rules, resolveHost);
  const deadline = () => AbortSignal.timeout(timeoutMs);

  async function open(
    dispatcher: Dispatcher,
    url: URL,
    { accept = "*/*", authorization, signal = deadline() }: WebRequest,
  ): Promise<Dispatcher.ResponseData> {
    const { request } = await loadUndici();
    let next = url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      checkUrl(next, rules);
      const answer = await request(next, {
        dispatcher,
        signal,
        headers: {
          accept,
          "accept-encoding": "identity",
          "user-agent": "emufarm",
          ...(authorization !== undefined && next.origin === url.origin && { authorization }),
        },
        headersTimeout: SILENCE_MS,
        bodyTimeout: SILENCE_MS,
      });
      const { location } = answer.headers;
      if (answer.statusCode < 300 || answer.statusCode >= 400 || typeof location !== "string") return answer;
      // What comes with a redirect is of no use, and may be endless.
      answer.body.on("error", () => {}).destroy();
      if (!URL.canParse(location, next.href))
        throw refused(next, `it leads to ${location.slice(0, 200)}, which is no URL`);
      next = new URL(location, next);
    }
    throw refused(url, `it leads on more than ${MAX_REDIRECTS} times`);
  }

  async function ask<Outcome>(request: WebRequest, use: (answer: WebAnswer) => Promise<Outcome>): Promise<Outcome> {
    const url = new URL(request.url);
    const { Agent } = await loadUndici();
    const connect = { lookup, timeout: CONNECT_TIMEOUT_MS };
    // An agent of its own for each request: no connection is used again that was checked for another name.
    const dispatcher = new Agent({ connect, maxHeaderSize: 16_384 });
    try {
      const { statusCode, headers, body } = await open(dispatcher, url, request);
      // What is left of it when its user is done is of no use to anybody.
      await using _ = { [Symbol.asyncDispose]: async () => void body.on("error", () => {}).destroy() };
      if (Number(headers["content-length"] ?? 0) > maxBytes) {
        throw new FarmError("BodyTooLarge", { limitBytes: maxBytes });
      }
      return await use({ status: statusCode, headers, bytes: Readable.from(limited(body, maxBytes)) });
    } catch (error) {
      throw translate(error, url, timeoutMs);
    } finally {
      await dispatcher.destroy();
    }
  }

  return {
    ask,
    deadline,
    fetch: (request, receive) =>
      ask(request, ({ status, bytes }) => {
        if (status !== 200) throw failed(new URL(request.url), `the server answered ${status}`);
        return receive(bytes);
      }),
  };
}

/** Loaded at the first download. By its default alone: a bundle has no other name for what is in a CommonJS module. */
async function loadUndici() {
  return (await import("undici")).default;
}

/** Bytes up to a limit, whatever the server has announced. */
export async function* limited(body: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new FarmError("BodyTooLarge", { limitBytes: maxBytes });
    yield chunk;
  }
}

/** An address in the URL itself is never looked up: it is checked here. */
function checkUrl(url: URL, rules: AddressRules): void {
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw refused(url, `${url.protocol} is neither http nor https`);
  if (url.username !== "" || url.password !== "") throw refused(url, "it has a user in it");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) === 0 || rules.isListed(host)) return;
  const problem = rules.refusalOf(host);
  if (problem !== undefined) throw refused(url, problem);
}

/** The connection goes to what this answers and to nothing else: a name cannot lead elsewhere after the check. */
function checkedLookup(rules: AddressRules, resolveHost: ResolveHost): LookupFunction {
  return (host, options, answer) => {
    resolveHost(host).then(
      (addresses) => {
        const problem = rules.isListed(host)
          ? undefined
          : addresses.map(({ address }) => rules.refusalOf(address)).find((one) => one !== undefined);
        const [first] = addresses;
        if (problem !== undefined) answer(new RefusedAddress(problem), []);
        else if (!first) answer(new Error(`${host} has no address`), []);
        else if (options.all) answer(null, addresses);
        else answer(null, first.address, first.family);
      },
      (error: Error) => answer(error as NodeJS.ErrnoException, []),
    );
  };
}

/** Travels through the connector as the reason why there is no connection. */
class RefusedAddress extends Error {}

function translate(error: unknown, url: URL, timeoutMs: number): unknown {
  if (error instanceof FarmError) return error;
  const cause = rootOf(error);
  if (cause instanceof RefusedAddress) return refused(url, cause.message);
  if (cause instanceof Error && cause.name === "TimeoutError") {
    return failed(url, `it took longer than ${Math.round(timeoutMs / 1_000)} s`, error);
  }
  return failed(url, cause instanceof Error ? cause.message : String(cause), error);
}

function rootOf(error: unknown): unknown {
  if (error instanceof AggregateError) return rootOf(error.errors[0]);
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error;
}

/** Without its query, which may hold a key. */
function nameOf(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`.slice(0, 500);
}

function refused(url: URL, problem: string): FarmError {
  return new FarmError("FirmwareSourceRefused", { source: nameOf(url), problem });
}

function failed(url: URL, detail: string, cause?: unknown): FarmError {
  return new FarmError("FirmwareSourceFailed", { source: nameOf(url), detail }, { cause });
}
