import { framePayload, hexOf } from "../../core/gdb/gdb-packet.ts";

/** The connection of a debugger. */
export interface GdbTransport {
  /** Bytes that the network has not taken yet. */
  readonly bufferedBytes: number;
  send(bytes: Uint8Array): void;
  close(reason: string): void;
}

/** Text of the program that a debugger does not read is left out. */
const MAX_TEXT_BACKLOG_BYTES = 256 * 1024;
/** Whoever asks again and again, and reads no answer, is let go. */
const MAX_UNREAD_BYTES = 512 * 1024;
/** Characters of text in one packet. */
const TEXT_PART_BYTES = 1_024;

const ACK = Uint8Array.of(0x2b);
const NAK = Uint8Array.of(0x2d);

/** What goes to a debugger: acknowledgements while it wants them, answers, and text of its program. */
export class DebuggerLine {
  readonly #transport: GdbTransport;
  readonly #onDeaf: () => void;
  #isAcknowledging = true;
  #lastAnswer: Uint8Array | undefined;
  #isClosed = false;

  /** @param onDeaf called where the debugger does not read what it asks for */
  constructor(transport: GdbTransport, onDeaf: () => void) {
    this.#transport = transport;
    this.#onDeaf = onDeaf;
  }

  /** A packet has come whole, or broken. */
  acknowledge(isWhole: boolean): void {
    if (this.#isAcknowledging) this.#send(isWhole ? ACK : NAK);
  }

  stopAcknowledging(): void {
    this.#isAcknowledging = false;
  }

  answer(frame: Uint8Array): void {
    this.#lastAnswer = frame;
    this.#send(frame);
  }

  /** The last answer did not arrive. */
  answerAgain(): void {
    if (this.#lastAnswer && this.#isAcknowledging) this.#send(this.#lastAnswer);
  }

  /** The program has said something, which the stub has made a packet of. */
  passText(frame: Uint8Array): void {
    if (!this.#isClosed && this.#hasRoomForText()) this.#transport.send(frame);
  }

  /** The program has said something. */
  tellProgram(text: Uint8Array): void {
    if (this.#hasRoomForText()) this.tell(text);
  }

  /** Text for the person at the debugger. */
  tell(text: Uint8Array): void {
    if (this.#isClosed) return;
    for (let at = 0; at < text.length; at += TEXT_PART_BYTES) {
      this.#transport.send(framePayload(`O${hexOf(text.subarray(at, at + TEXT_PART_BYTES))}`));
    }
  }

  /** Nothing is sent any more. */
  closed(): void {
    this.#isClosed = true;
  }

  close(reason: string): void {
    this.#isClosed = true;
    this.#transport.close(reason);
  }

  #hasRoomForText(): boolean {
    return this.#transport.bufferedBytes < MAX_TEXT_BACKLOG_BYTES;
  }

  #send(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#transport.bufferedBytes > MAX_UNREAD_BYTES) this.#onDeaf();
    else this.#transport.send(bytes);
  }
}
