import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { vi } from "vitest";

const HEAR_MS = 120_000;

/** A connection to the UART of a board whose firmware counts aloud: `tick 1`, `tick 2`... */
export class CountingUart implements AsyncDisposable {
  /** In the order in which they came. The first line is left out: it may have begun before the connection. */
  readonly numbers: number[] = [];
  /** Settles when the other end has closed, or the way there is broken. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #rest = "";
  #isFirst = true;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket
      .setEncoding("latin1")
      .on("data", (text: string) => this.#read(text))
      // A broken connection closes as well.
      .on("error", () => {})
      .on("close", () => resolve());
  }

  static async open(host: string, port = 5_000): Promise<CountingUart> {
    return new CountingUart(await connected(host, port));
  }

  /** Waits for so many numbers more than there are now. */
  async hear(count: number): Promise<void> {
    const wanted = this.numbers.length + count;
    const look = () => {
      if (this.numbers.length < wanted) throw new Error(`the UART is silent after ${this.numbers.at(-1)}`);
    };
    await vi.waitFor(look, { timeout: HEAR_MS });
  }

  /** Where a number does not follow the one before it: bytes were lost, or the guest began anew. */
  get gaps(): string[] {
    return this.numbers.flatMap((number, index) => {
      const before = this.numbers[index - 1] ?? number - 1;
      return number === before + 1 ? [] : [`${before} -> ${number}`];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!this.#isFirst) this.numbers.push(Number(/^tick (\d+)\r?$/.exec(line)?.[1] ?? Number.NaN));
      this.#isFirst = false;
    }
  }
}

/** A Service that is new is not known to every node yet. */
async function connected(host: string, port: number): Promise<Socket> {
  const tryOnce = async () => {
    const socket = connect(port, host);
    await once(socket, "connect");
    return socket;
  };
  return await vi.waitFor(tryOnce, { timeout: HEAR_MS, interval: 200 });
}
