import { type Duplex, duplexPair } from "node:stream";

/** The emulator's end of a QMP connection, for what a real one cannot be made to do. */
export class FakeEmulator {
  /** The agent's end. */
  readonly socket: Duplex;
  readonly received: Record<string, unknown>[] = [];
  readonly #end: Duplex;
  #waiting = Promise.withResolvers<void>();

  constructor() {
    [this.socket, this.#end] = duplexPair();
    this.#end.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().split("\n").filter(Boolean)) this.received.push(JSON.parse(line));
      this.#waiting.resolve();
      this.#waiting = Promise.withResolvers();
    });
    this.#end.on("error", () => {});
  }

  /** Waits for the first request of this command that has not been answered yet, and answers it. */
  async answer(command: string, value: unknown = {}): Promise<void> {
    const request = await this.request(command);
    this.received.splice(this.received.indexOf(request), 1);
    this.say({ return: value, id: request.id });
  }

  async request(command: string): Promise<Record<string, unknown>> {
    for (;;) {
      const request = this.received.find(({ execute }) => execute === command);
      if (request) return request;
      await this.#waiting.promise;
    }
  }

  say(message: unknown): void {
    this.write(`${JSON.stringify(message)}\n`);
  }

  write(bytes: string | Buffer): void {
    this.#end.write(bytes);
  }

  end(): void {
    this.#end.end();
  }
}

/** A turn of the event loop, so that what was written has been taken. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
