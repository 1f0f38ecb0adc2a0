import type { UartNotice } from "../../core/wire/uart-message.ts";

/** What a person at the console has to know of a notice. */
export class NoticeTexts {
  readonly #takeKey: string | undefined;
  #isRefusalTold = false;
  #isOff = false;
  #isMine = false;
  /** Somebody else writes, and that was told. */
  #isOthers = false;

  /** @param takeKey keys that take the pen, such as `Ctrl-A t` */
  constructor(takeKey: string | undefined) {
    this.#takeKey = takeKey;
  }

  /** The words, or undefined where there is nothing to tell. */
  textOf(notice: UartNotice): string | undefined {
    switch (notice.type) {
      case "gap":
        return `${notice.bytes} bytes are left out here`;
      case "writer":
        return this.#writerText(notice);
      case "inputRefused":
        return this.#refusalText(notice.bytes, notice.reason);
      case "off":
        this.#isOff = true;
        return "the board is off; the console stays";
      case "boot": {
        const isOnAgain = this.#isOff;
        this.#isOff = false;
        return isOnAgain ? `the board is on: boot ${notice.boot}` : undefined;
      }
    }
  }

  #writerText({ writer, isYou }: Extract<UartNotice, { type: "writer" }>): string | undefined {
    const wasMine = this.#isMine;
    const wasOthers = this.#isOthers;
    this.#isMine = isYou;
    this.#isOthers = writer !== null && !isYou;
    this.#isRefusalTold = false;
    if (isYou) return undefined;
    if (writer === null) return wasOthers ? "the pen is free: whoever types next writes" : undefined;
    const hint = this.#takeKey === undefined ? "" : `; ${this.#takeKey} takes the pen`;
    return wasMine ? `${writer} has taken the pen` : `${writer} writes: you read only${hint}`;
  }

  /** Told once, not for each key. */
  #refusalText(bytes: number, reason: "writer" | "off" | "full"): string | undefined {
    if (reason === "writer" && this.#isRefusalTold) return undefined;
    this.#isRefusalTold = reason === "writer";
    return `${bytes === 1 ? "a byte was" : `${bytes} bytes were`} not taken: ${REFUSALS[reason]}`;
  }
}

const REFUSALS = {
  writer: "somebody else writes",
  off: "the board is off",
  full: "the guest does not read",
} as const;
