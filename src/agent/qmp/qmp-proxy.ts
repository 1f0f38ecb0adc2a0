import { FarmError } from "../../core/error/farm-error.ts";
import type { GuestExit } from "../../core/wire/attempt.ts";
import { executeFromOutside, type OutsideTarget } from "./outside-commands.ts";
import { ownEvent, QmpProxyClient, type QmpProxyTransport } from "./qmp-proxy-client.ts";
import type { QmpEvent, QmpGreeting, QmpSession } from "./qmp-session.ts";

/** An emulator that serves a boot. */
export interface QmpProxyTarget extends OutsideTarget {
  readonly session: Pick<QmpSession, "execute" | "onEvent" | "greeting">;
  /** Number of the boot. */
  readonly boot: number;
}

/** What a client is greeted with before the first emulator has said what it is. */
const NO_EMULATOR: QmpGreeting = {
  version: { qemu: { major: 0, minor: 0, micro: 0 }, package: "emufarm: the board has not been on yet" },
  capabilities: [],
};

/**
 * Lets any number of clients use a board's QMP, each as if it had it alone: a greeting, a negotiation, an order of
 * answers and ids of its own. Everyone gets the events. It lasts as long as the board: when an emulator ends and another
 * one serves the next boot, clients stay and are told by `__dev.emufarm_EXITED` and `__dev.emufarm_BOOTED`; a command
 * while it is off is answered with an error, and one while it starts waits.
 */
export class QmpProxy implements Disposable {
  readonly #clients = new Set<QmpProxyClient>();
  #target: QmpProxyTarget | undefined;
  #stopEvents = () => {};
  #greeting = NO_EMULATOR;
  #isDisposed = false;
  readonly #started: () => Promise<void>;

  /** @param started settles when no start of the board is under way: commands that come meanwhile wait for it */
  constructor(started: () => Promise<void> = async () => {}) {
    this.#started = started;
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** An emulator has answered: commands go there from now on. */
  plug(target: QmpProxyTarget): void {
    this.#stopEvents();
    this.#target = target;
    this.#greeting = target.session.greeting ?? this.#greeting;
    this.#stopEvents = target.session.onEvent((event) => this.#broadcast(event));
    this.#broadcast(ownEvent("BOOTED", { boot: target.boot }));
  }

  /** The boot has ended. Commands under way are answered by the end of their session. */
  unplug(boot: number, { reason, code }: GuestExit): void {
    if (this.#target?.boot !== boot) return;
    this.#stopEvents();
    this.#target = undefined;
    this.#broadcast(ownEvent("EXITED", { boot, reason, ...(code !== undefined && { code }) }));
  }

  /** Adds a client and greets it. What it sends goes to `receive`; `close` when its connection has ended. */
  connect(transport: QmpProxyTransport): QmpProxyClient {
    const getGreeting = () => this.#greeting;
    const backend = {
      get greeting() {
        return getGreeting();
      },
      execute: (command: string, args: Readonly<Record<string, unknown>> | undefined) => this.#execute(command, args),
    };
    const client = new QmpProxyClient(backend, transport, () => this.#clients.delete(client));
    this.#clients.add(client);
    if (this.#isDisposed) client.end(GONE);
    else client.greet();
    return client;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#stopEvents();
    this.#target = undefined;
    for (const client of this.#clients) client.end(GONE);
  }

  async #execute(command: string, args: Readonly<Record<string, unknown>> | undefined): Promise<unknown> {
    if (!this.#target) await this.#started();
    if (!this.#target) throw new FarmError("BoardOff", { what: command });
    return await executeFromOutside(this.#target, command, args);
  }

  #broadcast(event: QmpEvent): void {
    for (const client of this.#clients) client.tellEvent(event);
  }
}

const GONE = "the board has gone";
