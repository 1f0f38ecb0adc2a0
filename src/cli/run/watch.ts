import { watch } from "node:fs";
import { basename, dirname } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { EXIT } from "../exit-code.ts";
import { errorText } from "../screen/error-text.ts";
import type { Surroundings } from "../surroundings.ts";

/** A linker writes a file in several goes: it is whole once nothing has come for this long. */
const SETTLED_MS = 150;

/**
 * Runs at once, and again whenever the image has changed, until the interruption. A change while a run goes on waits
 * for its end. The folder is watched, as builds replace the file.
 */
export async function watchImage(
  surroundings: Surroundings,
  image: string,
  run: () => Promise<number>,
): Promise<number> {
  const { interrupted, stderr } = surroundings;
  const changes = new Changes(image);
  using _watching = changes;
  while (!interrupted.aborted) {
    try {
      await run();
    } catch (error) {
      // A build that failed leaves a broken image or none: the next one may be whole.
      if (interrupted.aborted || !(error instanceof FarmError) || error.class === "infrastructure") throw error;
      stderr.write(`emufarm: ${errorText(error)}\n`);
    }
    stderr.write(`emufarm: waiting for ${basename(image)} to change (Ctrl-C ends)\n`);
    await changes.next(interrupted);
  }
  return EXIT.interrupted;
}

class Changes implements Disposable {
  readonly #watcher;
  #settling: NodeJS.Timeout | undefined;
  #hasChanged = false;
  #wake: () => void = () => {};

  constructor(image: string) {
    const name = basename(image);
    this.#watcher = watch(dirname(image), (_event, file) => {
      if (file !== name) return;
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => {
        this.#hasChanged = true;
        this.#wake();
      }, SETTLED_MS);
    });
  }

  /** Settles once the image has changed since the last call, or with the signal. */
  async next(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (!this.#hasChanged && !signal.aborted) await promise;
    this.#hasChanged = false;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#settling);
    this.#watcher.close();
  }
}
