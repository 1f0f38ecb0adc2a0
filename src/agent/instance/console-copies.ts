import type { Writable } from "node:stream";
import type { ConsoleLog } from "../../core/schema/instance-channel.ts";
import { copyConsole } from "../uart/console-copy.ts";
import type { UartHub } from "../uart/uart-hub.ts";

/** The UARTs of an instance's board whose output goes to the log of the agent's pod. */
export class ConsoleCopies implements Disposable {
  readonly #output: Writable;
  readonly #copies = new Map<UartHub, Disposable>();

  constructor(output: Writable) {
    this.#output = output;
  }

  /** From now on these. Those that are copied already go on without a gap. */
  follow(hubs: readonly UartHub[], wanted: ConsoleLog = "None"): void {
    const chosen = new Set(wanted === "All" ? hubs : hubs.slice(0, wanted === "First" ? 1 : 0));
    for (const [hub, copy] of this.#copies) {
      if (chosen.has(hub)) continue;
      copy[Symbol.dispose]();
      this.#copies.delete(hub);
    }
    for (const hub of chosen) if (!this.#copies.has(hub)) this.#copies.set(hub, copyConsole(hub, this.#output));
  }

  [Symbol.dispose](): void {
    this.follow([]);
  }
}
