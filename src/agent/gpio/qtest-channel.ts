import type { Socket } from "node:net";
import type { Level } from "../../core/gpio/gpio-line.ts";
import { createQtestParser } from "./qtest-stream.ts";

/** An edge as qtest tells it. */
export interface QtestEdge {
  readonly index: number;
  readonly level: Level;
  readonly virtualNs: number | undefined;
  readonly device: string | undefined;
}

interface Pending {
  readonly command: string;
  resolve(): void;
  reject(error: Error): void;
}

/** A connection to an emulator's qtest server: commands and their answers, and between them the edges. */
export class QtestChannel implements Disposable {
  readonly #socket: Socket;
  readonly #pending: Pending[] = [];
  readonly #timeoutMs: number;
  #edges: QtestEdge[] = [];
  #failure: Error | undefined;

  /** Edges are told chunk by chunk, in the order in which they came. */
  constructor(socket: Socket, timeoutMs: number, onEdges: (edges: readonly QtestEdge[]) => void) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    const parse = createQtestParser({
      onEdge: (index, level, virtualNs, device) => this.#edges.push({ index, level, virtualNs, device }),
      onAnswer: (problem) => {
        const pending = this.#pending.shift();
        if (problem === undefined) pending?.resolve();
        else pending?.reject(new Error(`${pending.command} was refused: ${problem}`));
      },
    });
    socket.on("data", (chunk: Buffer) => {
      const isSound = parse(chunk);
      const edges = this.#edges;
      if (edges.length > 0) {
        this.#edges = [];
        onEdges(edges);
      }
      if (!isSound) socket.destroy(new Error("the emulator talked nonsense on its qtest channel"));
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the emulator has closed its qtest channel")));
  }

  /**
   * Settles when the emulator has done it; what it told before has been told by then.
   * @throws {Error} where it refuses, or has gone
   */
  ask(command: string): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(new Error(`${command} was not answered within ${this.#timeoutMs} ms`)),
      this.#timeoutMs,
    );
    const settle =
      <Args extends unknown[]>(done: (...args: Args) => void) =>
      (...args: Args) => {
        clearTimeout(timer);
        done(...args);
      };
    this.#pending.push({ command, resolve: settle(resolve), reject: settle(reject) });
    this.#socket.write(`${command}\n`);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
    this.#fail(new Error("the qtest channel was closed"));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.splice(0)) reject(this.#failure);
  }
}
