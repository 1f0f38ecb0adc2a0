import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that goes away with the test. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "emu-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Both ends of a unix socket: the hub's, and that of an emulator's stand-in. */
export async function socketPair(folder: string, name = "s"): Promise<{ hubEnd: Socket; guestEnd: Socket }> {
  const server = createServer();
  server.listen(join(folder, name));
  await once(server, "listening");
  const guestEnd = connect(join(folder, name));
  const [hubEnd] = (await once(server, "connection")) as [Socket];
  server.close();
  return { hubEnd, guestEnd };
}
