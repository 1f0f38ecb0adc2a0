import { once } from "node:events";
import { connect } from "node:net";
import { expect, vi } from "vitest";

/** A raw connection to a UART, one for as long as a test wants it. */
export interface UartConnection extends AsyncDisposable {
  /** All that has come. */
  readonly text: string;
  heard(pattern: RegExp): Promise<void>;
  /** Types a line, and waits for what comes of it; the connection must not have been another one meanwhile. */
  say(line: string, answer: string): Promise<void>;
}

export async function openUart(host: string, port = 5_000): Promise<UartConnection> {
  const socket = connect(port, host);
  let text = "";
  socket.setEncoding("utf8").on("data", (data: string) => {
    text += data;
  });
  await once(socket, "connect");
  const heard = (pattern: RegExp) => vi.waitFor(() => expect(text).toMatch(pattern), { timeout: 60_000 });
  return {
    get text() {
      return text;
    },
    heard,
    async say(line, answer) {
      socket.write(`${line}\n`);
      await heard(new RegExp(answer));
      expect(socket.closed).toBe(false);
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}
