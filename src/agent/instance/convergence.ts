export interface ConvergenceOptions {
  /** Does what is left to do now. */
  converge(): Promise<void>;
  /** What was done has failed. It is not tried again before the next call of `wake`. */
  onFailed(error: unknown): void;
  /** Nothing more is wanted for now. */
  onSettled(): void;
}

/** Something that is to be brought to where it is wanted: once at a time, and again where something changed meanwhile. */
export class Convergence implements AsyncDisposable {
  readonly #options: ConvergenceOptions;
  #isWanted = false;
  #isEnded = false;
  #underWay: Promise<void> | undefined;

  constructor(options: ConvergenceOptions) {
    this.#options = options;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** Something has changed. */
  wake(): void {
    this.#isWanted = true;
    this.#underWay ??= this.#run().finally(() => {
      this.#underWay = undefined;
      if (this.#isWanted && !this.#isEnded) this.wake();
      else this.#options.onSettled();
    });
  }

  /** Nothing is begun any more. Settles once what is under way has come to its end; who owns it ends that. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    await this.#underWay;
  }

  async #run(): Promise<void> {
    while (this.#isWanted && !this.#isEnded) {
      this.#isWanted = false;
      try {
        await this.#options.converge();
      } catch (error) {
        if (!this.#isEnded) this.#options.onFailed(error);
      }
    }
  }
}
