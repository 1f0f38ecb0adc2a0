import { COMMAND, type TelnetVerb, verbOf } from "./telnet.ts";

/** What a Telnet stream is made of. */
export interface TelnetListener {
  /** Bytes of the line; a view of what was decoded. */
  onData(bytes: Uint8Array): void;
  onNegotiation(verb: TelnetVerb, option: number): void;
  onSubnegotiation(option: number, bytes: Uint8Array): void;
  /** A command without a parameter. */
  onCommand(command: number): void;
  /** Something that is no Telnet was left out. */
  onMalformed(): void;
}

/** Options carry a few bytes; a signature is a line. What is longer is left out. */
export const LONGEST_SUBNEGOTIATION_BYTES = 1_024;

const IAC = COMMAND.interpretAsCommand;

type State = "data" | "command" | TelnetVerb | "option" | "payload" | "payloadCommand";

/** Takes a Telnet stream apart (RFC 854, 855), in whatever pieces it comes. It holds no more than one subnegotiation. */
export class TelnetDecoder {
  readonly #listener: TelnetListener;
  #state: State = "data";
  #option = 0;
  #payload: number[] = [];
  #isTooLong = false;

  constructor(listener: TelnetListener) {
    this.#listener = listener;
  }

  decode(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === "data") at = this.#readData(chunk, at);
      else this.#readByte(chunk[at++] as number);
    }
  }

  /** Up to the next command; of a doubled IAC the first one is data. */
  #readData(chunk: Uint8Array, from: number): number {
    const at = chunk.indexOf(IAC, from);
    const end = at === -1 ? chunk.length : at;
    const isDoubled = at !== -1 && chunk[at + 1] === IAC;
    const data = chunk.subarray(from, isDoubled ? at + 1 : end);
    if (data.length > 0) this.#listener.onData(data);
    if (at === -1) return end;
    if (isDoubled) return at + 2;
    this.#state = "command";
    return at + 1;
  }

  #readByte(byte: number): void {
    const state = this.#state;
    if (state === "command") {
      this.#readCommand(byte);
    } else if (state === "option") {
      this.#option = byte;
      this.#state = "payload";
    } else if (state === "payload") {
      if (byte === IAC) this.#state = "payloadCommand";
      else this.#take(byte);
    } else if (state === "payloadCommand") {
      this.#readPayloadCommand(byte);
    } else if (state !== "data") {
      this.#state = "data";
      this.#listener.onNegotiation(state, byte);
    }
  }

  #readCommand(byte: number): void {
    const verb = verbOf(byte);
    this.#state = verb ?? "data";
    if (verb) return;
    if (byte === IAC) this.#listener.onData(Uint8Array.of(IAC));
    else if (byte === COMMAND.subnegotiation) this.#begin();
    // The end of nothing.
    else if (byte === COMMAND.endOfSubnegotiation) this.#listener.onMalformed();
    else this.#listener.onCommand(byte);
  }

  #begin(): void {
    this.#state = "option";
    this.#payload = [];
    this.#isTooLong = false;
  }

  #readPayloadCommand(byte: number): void {
    if (byte === IAC) {
      this.#state = "payload";
      this.#take(byte);
      return;
    }
    const bytes = Uint8Array.from(this.#payload);
    this.#payload = [];
    this.#state = "data";
    if (byte === COMMAND.endOfSubnegotiation && !this.#isTooLong) {
      this.#listener.onSubnegotiation(this.#option, bytes);
      return;
    }
    // Too long, or broken off by another command, which counts.
    this.#listener.onMalformed();
    if (byte !== COMMAND.endOfSubnegotiation) this.#readCommand(byte);
  }

  #take(byte: number): void {
    if (this.#payload.length < LONGEST_SUBNEGOTIATION_BYTES) this.#payload.push(byte);
    else this.#isTooLong = true;
  }
}
