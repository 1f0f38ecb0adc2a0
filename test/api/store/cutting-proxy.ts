import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a server that can be cut while bytes are on it. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** From now on, each connection ends after so many bytes to the server. */
  cutAfter(bytes: number): void;
  /** From now on, each connection ends after so many bytes from the server. */
  cutAnswersAfter(bytes: number): void;
  /** How many were cut so far. */
  readonly cuts: number;
  heal(): void;
}

export async function startCuttingProxy(targetPort: number): Promise<CuttingProxy> {
  let there = Number.POSITIVE_INFINITY;
  let back = Number.POSITIVE_INFINITY;
  let cuts = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(targetPort, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      // What was cut says so on both sides.
      socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
    }
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    pass(near, far, () => there);
    pass(far, near, () => back);
  });

  function pass(from: Socket, to: Socket, limit: () => number): void {
    let count = 0;
    from.on("data", (chunk: Buffer) => {
      const left = limit() - count;
      count += chunk.length;
      if (chunk.length <= left) return void to.write(chunk);
      cuts += 1;
      to.write(chunk.subarray(0, Math.max(left, 0)));
      // What was passed on gets there; then both sides are gone.
      to.end(() => from.destroy());
    });
    from.on("end", () => to.end());
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cutAfter(bytes) {
      there = bytes;
    },
    cutAnswersAfter(bytes) {
      back = bytes;
    },
    heal() {
      there = Number.POSITIVE_INFINITY;
      back = Number.POSITIVE_INFINITY;
    },
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
