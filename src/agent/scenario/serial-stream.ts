import { FarmError } from "../../core/error/farm-error.ts";
import type { PatternSet } from "../../pattern/pattern-scanner.ts";
import type { PatternMatch, StreamScanner } from "../../pattern/stream-scanner.ts";
import { ByteRing } from "../uart/byte-ring.ts";
import type { GuestUart } from "./guest-control.ts";

/** Output that came before a wait began and is still looked at; older output is skipped. */
const WINDOW_BYTES = 1024 * 1024;

interface Wait {
  readonly scanner: StreamScanner;
  readonly base: number;
  readonly missing: Set<number>;
  resolve(): void;
  reject(error: FarmError): void;
}

/**
 * The output of one UART as wait-serial steps consume it: each looks at what has come since the last match, whether it
 * came before the step began or comes later.
 */
export class SerialStream implements Disposable {
  readonly #ring = new ByteRing(WINDOW_BYTES);
  readonly #unlisten: () => void;
  #consumed = 0;
  #wait: Wait | undefined;

  constructor(uart: GuestUart) {
    this.#unlisten = uart.onData((chunk) => {
      this.#ring.push(chunk);
      if (this.#wait) this.#read(this.#wait, (scanner) => scanner.feed(chunk));
    });
  }

  /** Patterns of the current wait that have not matched yet. */
  get missing(): ReadonlySet<number> {
    return this.#wait?.missing ?? new Set();
  }

  /** Settles once every pattern of the set has matched; then what follows the last match is left for the next wait. */
  async waitFor(set: PatternSet): Promise<void> {
    const base = Math.max(this.#consumed, this.#ring.start);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const before = base > this.#ring.start ? this.#ring.read(base - 1)[0] : undefined;
    const missing = new Set(set.patterns.keys());
    this.#wait = { scanner: set.createScanner(before), base, missing, resolve, reject };
    const arrived = this.#ring.read(base);
    this.#read(this.#wait, (scanner) => scanner.feed(arrived));
    await promise;
  }

  /** No more bytes will come from this boot: decides what waited for the byte behind it. True when nothing is missing. */
  finish(): boolean {
    if (this.#wait) this.#read(this.#wait, (scanner) => scanner.finish());
    return this.#wait === undefined;
  }

  /** The last lines that came, for a failure's report. */
  lastLines(count: number): string {
    const recent = this.#ring.read(Math.max(this.#ring.start, this.#ring.total - 16 * 1024));
    return recent.toString("utf8").trimEnd().split(/\r?\n/).slice(-count).join("\n");
  }

  [Symbol.dispose](): void {
    this.#unlisten();
    this.#wait = undefined;
  }

  #read(wait: Wait, scan: (scanner: StreamScanner) => readonly PatternMatch[]): void {
    try {
      for (const { index, end } of scan(wait.scanner)) {
        wait.missing.delete(index);
        this.#consumed = wait.base + end;
      }
    } catch (error) {
      this.#wait = undefined;
      wait.reject(FarmError.from(error));
      return;
    }
    if (wait.missing.size > 0) return;
    this.#wait = undefined;
    wait.resolve();
  }
}
