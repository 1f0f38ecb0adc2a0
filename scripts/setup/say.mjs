/** One plain line about what the set-up does. On stderr, so that stdout stays the command's own. */
export function say(/** @type {string} */ line) {
  process.stderr.write(`emufarm: ${line}\n`);
}

/** A problem that the person at the keyboard solves: one line, exit code 2. */
export class SetupError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "SetupError";
  }
}
