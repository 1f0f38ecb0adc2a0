import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { vi } from "vitest";

const PATIENCE_MS = 90_000;

/** A raw connection to a UART of a board, that remembers everything it has heard. */
export interface UartConnection extends AsyncDisposable {
  readonly text: string;
  readonly isOpen: boolean;
  write(text: string): void;
  /** Settles when the board has said so, from this place on. */
  heard(pattern: RegExp, from?: number): Promise<void>;
}

/** Connects, again and again until somebody answers. */
export async function connectUart(host: string, port = 5_000): Promise<UartConnection> {
  const socket: Socket = await vi.waitFor(() => connected(host, port), { timeout: PATIENCE_MS, interval: 250 });
  let text = "";
  socket.setEncoding("utf8").on("data", (data: string) => {
    text += data;
  });
  // What breaks is told by `isOpen`.
  socket.on("error", () => {});
  return {
    get text() {
      return text;
    },
    get isOpen() {
      return !socket.destroyed && socket.readyState === "open";
    },
    write: (line) => void socket.write(line),
    async heard(pattern, from = 0) {
      await vi.waitFor(
        () => {
          if (!pattern.test(text.slice(from))) throw new Error(`${pattern} was not heard in ${JSON.stringify(text)}`);
        },
        { timeout: PATIENCE_MS, interval: 20 },
      );
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}

async function connected(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, timeout: 5_000 });
  const late = () => socket.destroy(new Error("nobody answered"));
  socket.once("timeout", late);
  try {
    await once(socket, "connect");
  } finally {
    socket.off("timeout", late).setTimeout(0);
  }
  return socket;
}
