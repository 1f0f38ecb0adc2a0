import { FarmError } from "../core/error/farm-error.ts";
import { BackOff } from "./back-off.ts";

const DELAY = { firstMs: 100, longestMs: 2_000 };

export interface AbsenceListener {
  /** Told once for each absence: the farm has gone, and did not answer a second try either. */
  readonly onAway?: ((giveUpAfterMs: number) => void) | undefined;
  /** Told when a farm whose absence was told is there again. */
  readonly onBack?: (() => void) | undefined;
}

/**
 * Decides whether a stream that broke is opened again: yes, with growing pauses, until the farm has not been reached
 * for `giveUpAfterMs`.
 */
export class Reconnection {
  readonly #giveUpAfterMs: number;
  readonly #listener: AbsenceListener;
  readonly #findEnd: () => Promise<FarmError | undefined>;
  #brokenSinceMs: number | undefined;
  readonly #backOff = new BackOff(DELAY);
  #isAwayTold = false;

  /** @param findEnd tells why nobody will ever answer again, where that is known */
  constructor(
    giveUpAfterMs: number,
    listener: AbsenceListener = {},
    findEnd: () => Promise<FarmError | undefined> = async () => undefined,
  ) {
    this.#giveUpAfterMs = giveUpAfterMs;
    this.#findEnd = findEnd;
    this.#listener = listener;
  }

  /** To be called when the farm answers. What it has to tell may be long in coming. */
  answered(): void {
    this.#brokenSinceMs = undefined;
    if (this.#isAwayTold) this.#listener.onBack?.();
    this.#isAwayTold = false;
  }

  /** To be called whenever something has come. */
  progressed(): void {
    this.#backOff.reset();
  }

  /** Settles when it is time for the next try; throws the error where another try does not help. */
  async afterFailure(error: unknown, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!(error instanceof FarmError) || error.code !== "FarmNotRunning") throw error;
    const end = await this.#findEnd();
    if (end) throw end;
    const nowMs = performance.now();
    // A stream that only broke goes on with the next try.
    const isAway = this.#brokenSinceMs !== undefined;
    this.#brokenSinceMs ??= nowMs;
    if (nowMs - this.#brokenSinceMs > this.#giveUpAfterMs) throw error;
    if (isAway && !this.#isAwayTold) this.#listener.onAway?.(this.#giveUpAfterMs);
    this.#isAwayTold ||= isAway;
    // A farm that is just starting again needs a moment; asking more often would not make it faster.
    await this.#backOff.pause(signal);
  }
}
