const FIRST_DELAY_MS = 1;
const LAST_DELAY_MS = 250;
const DURATION_MS = 30_000;
/** Output makes a schedule that has slowed down to this begin anew. */
const SLOW_MS = 32;

/**
 * Makes the emulator's main loop turn after each write to a UART, until the guest may be taken to have had its chance.
 *
 * QEMU asks a device whether it can receive only when its main loop turns, so a byte that came while the guest was not
 * ready can stay in the socket for ever. docs/adr/0010 says why the schedule
 * runs its full length.
 */
export class KickSchedule {
  readonly #kick: () => void;
  #timer: NodeJS.Timeout | undefined;
  #delayMs = FIRST_DELAY_MS;
  #endsAt = 0;

  constructor(kick: () => void) {
    this.#kick = kick;
  }

  /** Something was written: kick at once and start over. */
  start(): void {
    this.#endsAt = performance.now() + DURATION_MS;
    this.#delayMs = FIRST_DELAY_MS;
    this.#kick();
    clearTimeout(this.#timer);
    this.#schedule();
  }

  /** The guest wrote something: it may have become ready to read just now. */
  hurry(): void {
    if (this.#timer === undefined || this.#delayMs < SLOW_MS) return;
    clearTimeout(this.#timer);
    this.#delayMs = FIRST_DELAY_MS;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#kick();
      this.#delayMs = Math.min(this.#delayMs * 2, LAST_DELAY_MS);
      if (performance.now() < this.#endsAt) this.#schedule();
    }, this.#delayMs);
  }
}
