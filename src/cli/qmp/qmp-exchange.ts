import type { WebSocket } from "ws";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Target } from "../channel/target.ts";
import type { QmpCommand } from "./qmp-line.ts";

/** A message of QMP as it came. */
export type QmpMessage = Readonly<Record<string, unknown>>;
export type QmpReply =
  | { readonly return: unknown }
  | { readonly error: { readonly class: string; readonly desc: string } };

/** A session of QMP over a target's WebSocket. */
export class QmpExchange implements Disposable {
  readonly #socket: WebSocket;
  readonly #waiting: ((reply: QmpReply) => void)[] = [];
  readonly #closed = Promise.withResolvers<never>();
  readonly #onEvent: (event: QmpMessage) => void;

  private constructor(socket: WebSocket, onEvent: (event: QmpMessage) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    this.#closed.promise.catch(() => {});
    socket.once("close", (_code, reason) => {
      this.#closed.reject(new FarmError("QmpClosed", { reason: reason.toString() || "the connection has ended" }));
    });
  }

  /** Opens a session, and goes through its negotiation. */
  static async open(target: Target, onEvent: (event: QmpMessage) => void = () => {}): Promise<QmpExchange> {
    const early: Buffer[] = [];
    let take = (data: Buffer) => {
      early.push(data);
    };
    const socket = await target.openWebSocket("qmp", (data) => take(data));
    const exchange = new QmpExchange(socket, onEvent);
    take = (data) => exchange.#take(data);
    for (const data of early) exchange.#take(data);
    await exchange.execute({ execute: "qmp_capabilities" });
    return exchange;
  }

  /** Rejects with QmpClosed once the session has ended. */
  get closed(): Promise<never> {
    return this.#closed.promise;
  }

  /** Answers come in the order of the commands. @throws {FarmError} QmpClosed */
  async execute(command: QmpCommand): Promise<QmpReply> {
    const { promise, resolve } = Promise.withResolvers<QmpReply>();
    this.#waiting.push(resolve);
    this.#socket.send(`${JSON.stringify(command)}\n`);
    return await Promise.race([promise, this.closed]);
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #take(data: Buffer): void {
    const message = JSON.parse(data.toString()) as QmpMessage;
    if ("event" in message) this.#onEvent(message);
    else if (!("QMP" in message)) this.#waiting.shift()?.(message as QmpReply);
  }
}
