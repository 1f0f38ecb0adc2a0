import { jsonText } from "../qmp/json-text.ts";
import type { QmpEvent, QmpSession } from "../qmp/qmp-session.ts";
import type { BootRequest } from "./boot.ts";
import { STOPPED_AT_TEXT } from "./deciding-text.ts";
import { ResetCount } from "./reset-count.ts";

export interface BootWatchOptions {
  readonly request: Pick<BootRequest, "isPaused" | "maxResets" | "events">;
  /** True where this end of the emulator is a reset that the farm carries out. */
  takesAsReset(reason: string): boolean;
  /** The guest wants to be reset, and stands still. */
  onResetHeld(): void;
  /** The guest has ended; called once. */
  onShutdown(): void;
  /** The guest has panicked, or its CPU is locked up; a machine that is kept can be looked at. */
  onPanic(event: { readonly isKept: boolean }): void;
  onResetLoop(): void;
  /** The guest stands still, since it has written the text that decides its test. */
  onStoppedAtText(): void;
}

/** What QMP tells of one boot's guest, until it is disposed. */
export class BootWatch implements Disposable {
  readonly #options: BootWatchOptions;
  readonly #resets: ResetCount;
  readonly #stopListening: () => void;
  /** The guest's clock has been started once. */
  #isBegun: boolean;
  #isCounting = true;
  /** It stands still, and goes on, for the farm's own sake. */
  #isHeld = false;
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

  /** Until the guest goes on it stands still for a reset that the farm carries out: nobody has paused it. */
  hold(): void {
    this.#isHeld = true;
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
        if (this.#options.takesAsReset(jsonText(data.reason))) this.#holdReset(data);
        else this.#shutdown(data);
        break;
      case "GUEST_PANICKED":
        this.#shutdownReason ??= "guest-panic";
        this.#options.onPanic({ isKept: data.action === "pause" });
        break;
      case STOPPED_AT_TEXT:
        this.#isHeld = true;
        this.#options.onStoppedAtText();
        break;
      case "STOP":
        if (this.#shutdownReason === undefined && !this.#isHeld) events.onPaused?.();
        break;
      case "RESUME":
        if (this.#isBegun && !this.#isHeld) events.onResumed?.();
        this.#isBegun = true;
        this.#isHeld = false;
        break;
    }
  }

  #holdReset({ reason }: QmpEvent["data"]): void {
    this.#isHeld = true;
    if (reason === "guest-reset") this.#countReset();
    this.#options.onResetHeld();
  }

  #shutdown(data: QmpEvent["data"]): void {
    if (this.#shutdownReason !== undefined) return;
    this.#shutdownReason = jsonText(data.reason);
    if (typeof data["exit-code"] === "number") this.#exitCode = data["exit-code"];
    this.#options.onShutdown();
  }

  #countReset(): void {
    if (!this.#isCounting) return;
    this.#resets.add();
    if (this.#resets.count > this.#options.request.maxResets) this.#options.onResetLoop();
  }
}
