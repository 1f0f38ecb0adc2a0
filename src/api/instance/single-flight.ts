/** An action that never runs twice at once: whoever wants it while it runs gets it once more after that. */
export class SingleFlight {
  readonly #action: () => Promise<void>;
  #isWanted = false;
  #underWay: Promise<void> | undefined;

  /** @param action must not reject */
  constructor(action: () => Promise<void>) {
    this.#action = action;
  }

  /** Settles when it has run from now on. */
  wake(): Promise<void> {
    this.#isWanted = true;
    this.#underWay ??= this.#run();
    return this.#underWay;
  }

  /** Settles when nothing is under way. */
  async landed(): Promise<void> {
    await this.#underWay;
  }

  async #run(): Promise<void> {
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        await this.#action();
      }
    } finally {
      // In the same turn as the last look: whoever wants it from now on starts it.
      this.#underWay = undefined;
    }
  }
}
