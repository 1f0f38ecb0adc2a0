import type { GpioLink } from "./gpio-driver.ts";

const NS_PER_MS = 1_000_000;

export interface PluggedBootOptions {
  readonly clock: "guest" | "host";
  /** Connects the driver. */
  connect(): Promise<GpioLink>;
  /** The driver is connected: from the guest's first instruction on, or later. */
  onConnected(isFromStart: boolean): Promise<void>;
}

/** A boot that is plugged into a bank; its driver is connected when it is needed, once. */
export class PluggedBoot implements Disposable {
  readonly clock: "guest" | "host";
  readonly #options: PluggedBootOptions;
  readonly #begunMs = performance.now();
  #connecting: Promise<void> | undefined;
  #lastNs = 0;
  #isDisposed = false;
  #link: GpioLink | undefined;

  constructor(options: PluggedBootOptions) {
    this.#options = options;
    this.clock = options.clock;
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

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#link?.[Symbol.dispose]?.();
  }

  async #connect(isFromStart: boolean): Promise<void> {
    const link = await this.#options.connect();
    if (this.#isDisposed) link[Symbol.dispose]?.();
    this.#link = link;
    await this.#options.onConnected(isFromStart);
  }
}
