import type { QmpEvent, QmpSession } from "../qmp/qmp-session.ts";
import type { BootRequest } from "./boot.ts";
import { ResetCount } from "./reset-count.ts";

export interface BootWatchOptions {
  readonly request: Pick<BootRequest, "isPaused" | "maxResets" | "events">;
  /** The guest has ended; called once. */
  onShutdown(): void;
  /** The guest has panicked, or its CPU is locked up; a machine that is kept can be looked at. */
  onPanic(event: { readonly isKept: boolean }): void;
  onResetLoop(): void;
}

/** What QMP tells of one boot's guest, until it is disposed. */
export class BootWatch implements Disposable {
  readonly #options: BootWatchOptions;
  readonly #resets: ResetCount;
  readonly #stopListening: () => void;
  /** The guest's clock has been started once. */
  #isBegun: boolean;
  #isCounting = true;
  #shutdownReason: string | undefined;
  #exitCode: number | undefined;

  constructor(qmp: QmpSession, options: BootWatchOptions) {
    const { request } = options;
    this.#options = options;
    this.#isBegun = request.isPaused;
    this.#resets = new ResetCount((resets) => request.events.onReset?.(resets));
    this.#stopListening = qmp.onEvent((event) => this.#observe(event));
  }

  get resets(): number {
    return this.#resets.count;
  }

  /** Reason of the first SHUTDOWN event, or that of a panic; undefined while the guest has not ended by itself. */
  get shutdownReason(): string | undefined {
    return this.#shutdownReason;
  }

  /** What the guest ended with, where the emulator tells it. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** From now on the farm is ending the guest: what resets now is not its doing. */
  stopCounting(): void {
    this.#isCounting = false;
  }

  [Symbol.dispose](): void {
    this.#stopListening();
    this.#resets[Symbol.dispose]();
  }

  #observe({ event, data }: QmpEvent): void {
    const { events } = this.#options.request;
    switch (event) {
      case "RESET":
        if (data.guest === true) this.#countReset();
        break;
      case "SHUTDOWN":
        this.#shutdown(data);
        break;
      case "GUEST_PANICKED":
        this.#shutdownReason ??= "guest-panic";
        this.#options.onPanic({ isKept: data.action === "pause" });
        break;
      case "STOP":
        if (this.#shutdownReason === undefined) events.onPaused?.();
        break;
      case "RESUME":
        if (this.#isBegun) events.onResumed?.();
        this.#isBegun = true;
        break;
    }
  }

  #shutdown(data: QmpEvent["data"]): void {
    if (this.#shutdownReason !== undefined) return;
    this.#shutdownReason = String(data.reason);
    if (typeof data["exit-code"] === "number") this.#exitCode = data["exit-code"];
    this.#options.onShutdown();
  }

  #countReset(): void {
    if (!this.#isCounting) return;
    this.#resets.add();
    if (this.#resets.count > this.#options.request.maxResets) this.#options.onResetLoop();
  }
}
