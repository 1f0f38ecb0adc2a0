import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";

/**
 * Waits until nobody else builds into this folder, and keeps others waiting until disposed of: by a name in the
 * kernel's abstract namespace of sockets, which goes with its process however that ends.
 */
export async function takeTurn(folder: string, tellWaiting: () => void): Promise<AsyncDisposable> {
  const path = `\0emufarm-qemu-${createHash("sha256").update(folder).digest("hex").slice(0, 32)}`;
  for (let attempt = 0; ; attempt += 1) {
    const server = createServer();
    try {
      server.listen({ path });
      await once(server, "listening");
      // Those that wait hold a connection each: it ends with the turn.
      const waiting = new Set<{ destroy(): void }>();
      server.on("connection", (socket) => waiting.add(socket.on("error", () => socket.destroy())));
      return {
        async [Symbol.asyncDispose]() {
          server.close();
          for (const socket of waiting) socket.destroy();
          await once(server, "close");
        },
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
    if (attempt === 0) tellWaiting();
    await ended(path);
  }
}

/** Settles when the holder's socket is closed: then the turn is free, or somebody else has it. */
async function ended(path: string): Promise<void> {
  const socket = connect({ path });
  socket.resume();
  const { promise, resolve } = Promise.withResolvers<void>();
  // Refused means that the holder ended in between.
  socket.on("error", () => resolve());
  socket.on("close", () => resolve());
  await promise;
}
