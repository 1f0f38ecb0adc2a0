import { QmpProxyClient, type QmpProxyTransport } from "./qmp-proxy-client.ts";
import type { QmpEvent, QmpSession } from "./qmp-session.ts";

/**
 * Lets any number of clients use one emulator's QMP, each as if it had it alone: a greeting, a negotiation and ids
 * of its own. Everyone gets the events. Lives as long as the boot whose session it has.
 */
export class QmpProxy implements Disposable {
  readonly #session: QmpSession;
  readonly #clients = new Set<QmpProxyClient>();
  readonly #stopEvents: () => void;

  constructor(session: QmpSession) {
    this.#session = session;
    this.#stopEvents = session.onEvent((event) => this.#broadcast(event));
    void session.closed.then(() => this[Symbol.dispose]());
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** Adds a client and greets it. What it sends goes to `receive`; `close` when its connection has ended. */
  connect(transport: QmpProxyTransport): QmpProxyClient {
    const client = new QmpProxyClient(this.#session, transport, () => this.#clients.delete(client));
    this.#clients.add(client);
    client.greet();
    return client;
  }

  [Symbol.dispose](): void {
    this.#stopEvents();
    for (const client of this.#clients) client.end("the guest has ended");
  }

  #broadcast(event: QmpEvent): void {
    if (this.#clients.size === 0) return;
    const text = JSON.stringify(event);
    for (const client of this.#clients) client.tellEvent(text);
  }
}
