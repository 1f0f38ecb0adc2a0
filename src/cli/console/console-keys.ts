/** What a key after the escape key does. */
export type ConsoleCommand =
  | { readonly type: "detach" | "take" | "break" | "reset" | "help" }
  /** Write to the UART of this number from now on, from 1. */
  | { readonly type: "choose"; readonly place: number };

/** What somebody typed: for the guest, or for the console. */
export type Typed = { readonly type: "input"; readonly bytes: Uint8Array } | ConsoleCommand;

const COMMANDS: Readonly<Record<string, ConsoleCommand>> = {
  x: { type: "detach" },
  q: { type: "detach" },
  t: { type: "take" },
  b: { type: "break" },
  r: { type: "reset" },
  h: { type: "help" },
  "?": { type: "help" },
};

/** Tells what is typed for the console from what is typed for the guest. The key after the escape key may come later. */
export class ConsoleKeys {
  readonly #escape: number | undefined;
  #isEscaped = false;

  /** @param escapeByte the byte of the escape key; undefined: everything is for the guest */
  constructor(escapeByte: number | undefined) {
    this.#escape = escapeByte;
  }

  read(bytes: Uint8Array): Typed[] {
    const typed: Typed[] = [];
    let plain: number[] = [];
    const pass = () => {
      if (plain.length > 0) typed.push({ type: "input", bytes: Uint8Array.from(plain) });
      plain = [];
    };
    for (const byte of bytes) {
      const command = this.#read(byte, plain);
      if (command === undefined) continue;
      pass();
      typed.push(command);
    }
    pass();
    return typed;
  }

  #read(byte: number, plain: number[]): ConsoleCommand | undefined {
    const escapeByte = this.#escape;
    if (!this.#isEscaped) {
      this.#isEscaped = byte === escapeByte;
      if (!this.#isEscaped) plain.push(byte);
      return undefined;
    }
    this.#isEscaped = false;
    const key = String.fromCharCode(byte);
    const command = /^[1-9]$/.test(key) ? ({ type: "choose", place: Number(key) } as const) : COMMANDS[key];
    if (command) return command;
    // The escape key twice is itself; before any other key it is for the guest, too.
    if (byte !== escapeByte && escapeByte !== undefined) plain.push(escapeByte);
    plain.push(byte);
    return undefined;
  }
}
