import type { DriverEdge, GpioLink } from "./gpio-driver.ts";
import type { GpioSocket } from "./gpio-port.ts";

const NS_PER_MS = 1_000_000;

export interface PluggedBootEvents {
  onEdges(edges: readonly DriverEdge[]): void;
  /** The driver is connected: from the guest's first instruction on, or later. */
  onConnected(isFromStart: boolean): Promise<void>;
}

/** A boot that is plugged into a bank; its driver is connected when it is needed, once. */
export class PluggedBoot {
  readonly clock: "guest" | "host";
  readonly #socket: GpioSocket;
  readonly #events: PluggedBootEvents;
  readonly #begunMs = performance.now();
  #connecting: Promise<void> | undefined;
  #lastNs = 0;
  #link: GpioLink | undefined;

  constructor(socket: GpioSocket, events: PluggedBootEvents) {
    this.#socket = socket;
    this.#events = events;
    this.clock = socket.abilities.timestamps ? "guest" : "host";
  }

  /** Undefined until the driver is connected. */
  get link(): GpioLink | undefined {
    return this.#link;
  }

  connect({ isFromStart }: { isFromStart: boolean }): Promise<void> {
    this.#connecting ??= this.#connect(isFromStart);
    return this.#connecting;
  }

  /** Time of an edge since the boot began; what was told without one came after all that was told before. */
  timeOf(timeNs: number | undefined): number {
    const now = this.clock === "host" ? Math.round((performance.now() - this.#begunMs) * NS_PER_MS) : this.#lastNs;
    this.#lastNs = Math.max(this.#lastNs, timeNs ?? now);
    return this.#lastNs;
  }

  async #connect(isFromStart: boolean): Promise<void> {
    this.#link = await this.#socket.connect((edges) => this.#events.onEdges(edges));
    await this.#events.onConnected(isFromStart);
  }
}
