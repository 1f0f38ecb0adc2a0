import type { Socket } from "node:net";

const ANSWER_TIMEOUT_MS = 10_000;

/** Reads until the text has come; fails when it does not within 10 s. */
export function readUntil(socket: Socket, text: string): Promise<void> {
  let seen = "";
  return onBytes(socket, (chunk) => {
    seen = (seen + chunk.toString("latin1")).slice(-1_024);
    return seen.includes(text);
  });
}

/** Reads that many bytes; fails when they do not come within 10 s. */
export function readBytes(socket: Socket, count: number): Promise<void> {
  let missing = count;
  return onBytes(socket, (chunk) => {
    missing -= chunk.length;
    return missing <= 0;
  });
}

/** Writes `size` bytes and waits for as many back, `count` times; the milliseconds of each. */
export async function roundTrips(
  socket: Socket,
  count: number,
  size: number,
  afterWrite: () => void = () => {},
): Promise<number[]> {
  const samples: number[] = [];
  const bytes = Buffer.alloc(size, "x");
  for (let sample = 0; sample < count; sample++) {
    const answered = readBytes(socket, size);
    const started = performance.now();
    socket.write(bytes);
    afterWrite();
    await answered;
    samples.push(performance.now() - started);
  }
  return samples;
}

function onBytes(socket: Socket, isDone: (chunk: Buffer) => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error("the guest did not answer in time")), ANSWER_TIMEOUT_MS);
  const onClose = () => reject(new Error("the line was closed"));
  const onData = (chunk: Buffer) => {
    if (isDone(chunk)) resolve();
  };
  socket.on("data", onData).once("close", onClose);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.off("data", onData).off("close", onClose);
  });
}
