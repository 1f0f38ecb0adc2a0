import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { FarmError } from "../core/error/farm-error.ts";

/** Who may call a server. */
export interface TrustOptions {
  /** Whoever brings this one may everything; undefined: there is no such token. */
  readonly token: string | undefined;
  /** Where a person finds the token; told to those who come without. */
  readonly tokenFile: string;
  /** Judges every other token; without it, they are all refused. */
  readonly admit?: Admit | undefined;
  /** Names that the server is called by, apart from the loopback's; without ports. */
  readonly allowedHosts?: readonly string[];
}

/** What a caller asks for. */
export interface AskedRoute {
  readonly method: string;
  /** Pattern of the route, such as /v1/runs/:id; undefined where there is none. */
  readonly route: string | undefined;
}

/** The same with its particulars, which nobody has checked yet. */
export interface AskedRequest extends AskedRoute {
  readonly params: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
}

/** Somebody who may use a route, where that is not whoever has the token of the file. */
export interface Caller {
  /** As others know it. */
  readonly name: string;
  /** Whose runs it works on. */
  readonly tenant: string;
}

/** Whoever brings this token, where it may use the route. @throws {FarmError} why not */
export type Admit = (token: string, asked: AskedRequest) => Promise<Caller | undefined>;

const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"];
const BEARER = "Bearer ";

/** A WebSocket of a browser can carry no header of its choice: the token comes as a subprotocol of this form. */
const PROTOCOL_TOKEN_PREFIX = "emufarm.bearer.";
/** The subprotocol that is answered where the caller offers any. */
export const WEBSOCKET_PROTOCOL = "emufarm";

export interface Trust {
  /** @throws {FarmError} Forbidden for a foreign Host or Origin */
  checkOrigin(headers: IncomingHttpHeaders, isUnixSocket: boolean): void;
  /** @throws {FarmError} Unauthenticated, or what `admit` throws */
  checkToken(asked: AskedRequest): Promise<Caller | undefined> | undefined;
}

/**
 * The checks of every request. Host and Origin are checked because a name under a stranger's control may lead to the
 * loopback (DNS rebinding), and a guest reaches the loopback of the host through its user-mode network.
 */
export function createTrust(options: TrustOptions): Trust {
  const hosts = new Set([...LOOPBACK_HOSTS, ...(options.allowedHosts ?? [])]);
  const { admit } = options;
  const expected = options.token === undefined ? undefined : digest(options.token);
  return {
    checkOrigin(headers, isUnixSocket) {
      const { host, origin } = headers;
      if (!isUnixSocket && !hosts.has(hostname(host))) {
        throw new FarmError("Forbidden", { problem: `the server is not called ${host ?? "(no Host header)"}` });
      }
      if (origin !== undefined && (isUnixSocket || !isSameOrigin(origin, host))) {
        throw new FarmError("Forbidden", { problem: `pages of ${origin} may not call this server` });
      }
    },
    checkToken(asked) {
      const token = tokenOf(asked.headers);
      if (token !== undefined && expected && timingSafeEqual(digest(token), expected)) return undefined;
      if (token !== undefined && admit) return admit(token, asked);
      if (admit) throw new FarmError("LoginNeeded", {});
      throw new FarmError("Unauthenticated", { tokenFile: options.tokenFile });
    },
  };
}

function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  if (headers.authorization?.startsWith(BEARER)) return headers.authorization.slice(BEARER.length);
  return headers["sec-websocket-protocol"]
    ?.split(",")
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(PROTOCOL_TOKEN_PREFIX))
    ?.slice(PROTOCOL_TOKEN_PREFIX.length);
}

/** Digests have one length, so that comparing them takes one time whatever was sent. */
function digest(token: string): Buffer {
  return hash("sha256", token, "buffer");
}

/** Host without its port. */
function hostname(host: string | undefined): string {
  return (host ?? "").replace(/:\d*$/, "").toLowerCase();
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}
