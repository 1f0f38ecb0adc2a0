import type { UartNotice } from "../../core/wire/uart-message.ts";

/**
 * What a viewer is told on a stream that has no place for notices but its output: where output is missing, and that its
 * input is lost. Everything else would only disturb programs that read there.
 */
export class StreamWords {
  #isRefusalTold = false;

  /** The words, or undefined where nothing is to be told. */
  of(notice: UartNotice): string | undefined {
    if (notice.type === "gap") return `${notice.bytes} bytes are missing here`;
    if (notice.type === "writer") this.#isRefusalTold = false;
    // A line to a board that is off loses what is written, as a real one does: tools send until they are answered.
    if (notice.type !== "inputRefused" || notice.reason !== "writer") return undefined;
    // Once for each who writes, not for each key.
    if (this.#isRefusalTold) return undefined;
    this.#isRefusalTold = true;
    return "what you send is not taken: somebody else writes";
  }
}
