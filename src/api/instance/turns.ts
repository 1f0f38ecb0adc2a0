/** Actions that are done one after another, in the order in which they were asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Settles as the action does. */
  take<Value>(action: () => Promise<Value>): Promise<Value> {
    const done = this.#last.then(action, action);
    this.#last = done;
    return done;
  }

  /** Settles when all that were asked for are done, well or not. */
  async taken(): Promise<void> {
    await this.#last.catch(() => {});
  }
}
