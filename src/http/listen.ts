import { chmod, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { FarmError } from "../core/error/farm-error.ts";
import type { ListenAddress } from "./listen-address.ts";

/** What of fastify is needed to listen. */
interface Listener {
  listen(options: { path: string } | { host: string; port: number }): Promise<string>;
  addresses(): (string | { port: number })[];
}

/** A unix socket's path may have 107 bytes; Node cuts a longer one silently and binds elsewhere. */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Listens, and tells the address with the port that was taken.
 * @param option how a person chooses another port, such as `--port`, for the error's sentence.
 * @throws {FarmError} PortInUse, SocketPathTooLong, Conflict where another server answers on the socket
 */
export async function listen(app: Listener, address: ListenAddress, option: string): Promise<ListenAddress> {
  if (address.kind === "unix") {
    await listenOnSocket(app, address.path);
    return address;
  }
  try {
    await app.listen({ host: address.host, port: address.port });
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE") throw error;
    throw new FarmError("PortInUse", { port: address.port, host: address.host, option }, { cause: error });
  }
  const bound = app.addresses()[0];
  return { ...address, port: typeof bound === "object" ? bound.port : address.port };
}

async function listenOnSocket(app: Listener, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) throw new FarmError("SocketPathTooLong", { path });
  if (await isAnswered(path)) {
    throw new FarmError("Conflict", { what: `The socket ${path}`, problem: "another server answers on it" });
  }
  // A server that was killed left its socket behind.
  await unlink(path).catch(ignoreMissing);
  await app.listen({ path });
  await chmod(path, 0o600);
}

function isAnswered(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== "ENOENT") throw error;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
