import { once } from "node:events";
import { chmod, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { resolve } from "node:path";
import type { WebSocket } from "ws";
import type { GuestChannels } from "../../client/guest-channels.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { EXIT } from "../exit-code.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Target } from "./target.ts";

export interface LocalOffer {
  /** Path of the channel's WebSocket, such as `qmp`. */
  readonly path: string;
  /** The channel in words. */
  readonly what: string;
  /** `unix:PATH`, `tcp:PORT`, or `tcp:HOST:PORT` with an address of this machine's loopback. */
  readonly at: string;
  /** A client that has said all it wants to, as `echo ... | socat` has, may read on for a while. */
  readonly canReadOn?: boolean;
}

const READ_ON_MS = 3_000;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/**
 * Offers a channel of a target as a socket of this machine, for programs that know nothing of the farm, until it is
 * interrupted. Each connection is a session of its own.
 * @throws {FarmError} InvalidRequest, ListenFailed
 */
export async function offerLocally(
  { cwd, stderr, interrupted }: Surroundings,
  target: Target,
  { what, ...offer }: LocalOffer,
): Promise<number> {
  const onProblem = (problem: string) => void stderr.write(`emufarm: ${problem}\n`);
  await using offered = await openLocalSocket(target, { ...offer, cwd, onProblem });
  stderr.write(`emufarm: ${what} of ${target.name} at ${offered.address}; Ctrl-C ends\n`);
  if (!interrupted.aborted) await once(interrupted, "abort");
  return EXIT.passed;
}

export interface LocalSocketOptions extends Omit<LocalOffer, "what"> {
  readonly cwd: string;
  /** A connection could not be joined to the channel, or the channel was closed with a reason. */
  onProblem(problem: string): void;
}

/**
 * A socket of this machine, each connection to which is joined to a channel of its own.
 * @throws {FarmError} InvalidRequest, ListenFailed
 */
export async function openLocalSocket(
  channels: Pick<GuestChannels, "openWebSocket">,
  { path, at, canReadOn = false, cwd, onProblem }: LocalSocketOptions,
): Promise<AsyncDisposable & { readonly address: string }> {
  const place = placeOf(at, cwd);
  const connections = new Set<Socket>();
  const server = createServer({ noDelay: true, pauseOnConnect: true, allowHalfOpen: canReadOn }, (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    if (canReadOn) socket.once("end", () => endLater(socket));
    join(socket, channels, path, onProblem).catch((error: unknown) => {
      onProblem(FarmError.from(error).message);
      socket.destroy();
    });
  });
  await listen(server, place, at);
  return {
    address: addressOf(server),
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of connections) socket.destroy();
      if ("path" in place) await rm(place.path, { force: true });
    },
  };
}

function endLater(socket: Socket): void {
  const readingOn = setTimeout(() => socket.destroySoon(), READ_ON_MS);
  socket.once("close", () => clearTimeout(readingOn));
}

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

function placeOf(at: string, cwd: string): Place {
  const [, kind, rest = ""] = /^(unix|tcp):(.+)$/.exec(at) ?? [];
  if (kind === "unix") return { path: resolve(cwd, rest) };
  const [, host = "127.0.0.1", digits = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(rest) ?? [];
  const address = host.replace(/^\[(.*)\]$/, "$1");
  if (kind !== "tcp" || digits === "" || Number(digits) > 65_535) {
    throw new FarmError("InvalidRequest", { problems: `--listen ${at} must be unix:PATH or tcp:PORT` });
  }
  if (!LOOPBACK.test(address)) {
    const problems = `--listen ${at}: whoever reaches this port needs no token, so it must be on 127.0.0.1`;
    throw new FarmError("InvalidRequest", { problems });
  }
  return { host: address, port: Number(digits) };
}

async function listen(server: Server, place: Place, at: string): Promise<void> {
  try {
    server.listen(place);
    await once(server, "listening");
    if ("path" in place) await chmod(place.path, 0o600);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new FarmError("ListenFailed", { address: at, problem }, { cause });
  }
}

function addressOf(server: Server): string {
  const address = server.address();
  if (typeof address === "string" || address === null) return `unix:${address}`;
  return `tcp:${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}

/** Bytes go both ways as fast as the slower side takes them. */
async function join(
  socket: Socket,
  channels: Pick<GuestChannels, "openWebSocket">,
  path: string,
  onProblem: (problem: string) => void,
): Promise<void> {
  // A connection that breaks is a client that left; "close" always follows.
  socket.on("error", () => {});
  let channel: WebSocket | undefined;
  channel = await channels.openWebSocket(path, (data) => {
    if (!socket.write(data)) channel?.pause();
  });
  const opened = channel;
  socket.on("drain", () => opened.resume());
  socket.on("data", (chunk) => {
    socket.pause();
    opened.send(chunk, () => socket.resume());
  });
  // What it has said last still gets there.
  socket.once("close", () => opened.close());
  opened.once("close", (_code: number, reason: Buffer) => {
    if (reason.length > 0 && !socket.destroyed) onProblem(`${path}: ${reason.toString()}`);
    socket.end();
  });
  if (socket.destroyed) opened.terminate();
  else socket.resume();
}
