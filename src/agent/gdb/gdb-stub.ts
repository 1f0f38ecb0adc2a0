import { once } from "node:events";
import { chown, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";
import type { Slot } from "../slot/slot.ts";

/** In the slot's folder, which is the emulator's working folder, and for the moment of one connection. */
const SOCKET_FILE = "gdb.sock";
/** Longest path of a unix socket (unix(7)); Node cuts a longer one. */
const MAX_SOCKET_PATH_BYTES = 107;
const CONNECT_TIMEOUT_MS = 10_000;
/** The one command of QEMU that makes a stub. */
const MAKE_STUB = `gdbserver unix:${SOCKET_FILE},server=off`;
const END_STUB = "gdbserver none";

/** QEMU's own GDB stub, made for one debugger. While it is made the CPU comes to stand. */
export interface GdbStub {
  readonly socket: Socket;
  /** The emulator forgets the debugger; one that has gone is fine. */
  end(): Promise<void>;
}

/**
 * Makes the stub of a running emulator. We listen, and the emulator connects, so that nobody else can.
 * @throws {FarmError} GdbUnavailable
 */
export async function openGdbStub(qmp: QmpSession, { folder, uid }: Slot): Promise<GdbStub> {
  const path = join(folder, SOCKET_FILE);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw unavailable(`the path of its socket is longer than ${MAX_SOCKET_PATH_BYTES} bytes: ${path}`);
  }
  await rm(path, { force: true });
  const server = createServer();
  try {
    server.listen(path);
    await once(server, "listening");
    if (uid !== undefined) await chown(path, uid, uid);
    const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    const connected = once(server, "connection", { signal }) as Promise<[Socket]>;
    // Where the command is refused, nobody waits for the connection.
    connected.catch(() => {});
    const answer = await qmp.execute("human-monitor-command", { "command-line": MAKE_STUB });
    if (!/waiting for gdb/i.test(String(answer))) throw unavailable(String(answer).trim());
    const [socket] = await connected;
    // What breaks here tells by "close".
    socket.on("error", () => {});
    return { socket, end: () => endStub(qmp, socket) };
  } catch (cause) {
    throw cause instanceof FarmError ? cause : unavailable((cause as Error).message, cause);
  } finally {
    server.close();
    await rm(path, { force: true });
  }
}

async function endStub(qmp: QmpSession, socket: Socket): Promise<void> {
  try {
    await qmp.execute("human-monitor-command", { "command-line": END_STUB });
  } catch {
    // The emulator has gone, or goes: its stub with it.
  }
  socket.destroy();
}

function unavailable(detail: string, cause?: unknown): FarmError {
  return new FarmError("GdbUnavailable", { detail }, { cause });
}
