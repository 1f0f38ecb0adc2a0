import { FarmError } from "../../core/error/farm-error.ts";
import type { UartNotice } from "../../core/wire/uart-message.ts";
import type { Target } from "../channel/target.ts";
import { painter } from "../screen/style.ts";
import type { Surroundings } from "../surroundings.ts";
import { ConsoleKeys, type Typed } from "./console-keys.ts";
import { type ConsoleLine, openConsoleLine } from "./console-line.ts";
import { ConsoleScreen } from "./console-screen.ts";
import type { EscapeKey } from "./escape-key.ts";
import { NoticeTexts } from "./notice-text.ts";
import type { TimestampFormat } from "./timestamp.ts";

export interface ConsoleSessionOptions {
  readonly target: Target;
  /** The first one is written to. */
  readonly uarts: readonly string[];
  readonly label: string;
  readonly escapeKey: EscapeKey | undefined;
  /** No words of the console's own. */
  readonly isSilent: boolean;
  readonly isReadOnly: boolean;
  readonly isReplayed: boolean;
  readonly isTaking: boolean;
  readonly timestamps: TimestampFormat | undefined;
}

const COLOURS = ["cyan", "yellow", "magenta", "green", "blue", "red"] as const;

/** Somebody at the UARTs of a guest, with a terminal or a pipe. */
export class ConsoleSession implements Disposable {
  readonly #options: ConsoleSessionOptions;
  readonly #surroundings: Surroundings;
  readonly #screen: ConsoleScreen;
  readonly #keys: ConsoleKeys;
  readonly #lines: ConsoleLine[] = [];
  readonly #detached = Promise.withResolvers<undefined>();
  #writing = 0;
  #isHeld = false;
  #leaving: NodeJS.Timeout | undefined;

  private constructor(surroundings: Surroundings, options: ConsoleSessionOptions) {
    const { uarts, timestamps, escapeKey } = options;
    const colour = painter(surroundings.stdout, surroundings.env);
    const paint = (text: string, place: number) => colour(COLOURS[place % COLOURS.length] ?? "cyan", text);
    this.#options = options;
    this.#surroundings = surroundings;
    this.#screen = new ConsoleScreen({ uarts, timestamps, paint });
    this.#keys = new ConsoleKeys(escapeKey?.byte);
  }

  /** @throws {FarmError} what the farm says of a UART that cannot be opened */
  static async open(surroundings: Surroundings, options: ConsoleSessionOptions): Promise<ConsoleSession> {
    const session = new ConsoleSession(surroundings, options);
    try {
      for (const uart of options.uarts) await session.#openLine(uart);
      if (options.isTaking) session.#ask("takePen");
      return session;
    } catch (error) {
      session[Symbol.dispose]();
      throw error;
    }
  }

  /** Settles when somebody has had enough, or no UART is left. @throws {FarmError} where a connection broke */
  async untilEnd(): Promise<void> {
    const ends = Promise.all(this.#lines.map((line) => line.ended));
    const all = await Promise.race([ends, this.#detached.promise]);
    if (all === undefined) return;
    const broken = all.find(({ isBroken }) => isBroken);
    if (!broken) return this.say(all[0]?.reason || "it has ended");
    const { target, uarts } = this.#options;
    const problem = `the connection broke${broken.reason === "" ? "" : `: ${broken.reason}`}`;
    throw new FarmError("ChannelUnreachable", { channel: uarts.join(", "), instance: target.name, problem });
  }

  /** Words of the console's own. */
  say(text: string): void {
    if (this.#options.isSilent) return;
    this.#surroundings.stderr.write(`${this.#screen.interrupt()}emufarm: ${text}\r\n`);
  }

  /** What was typed, or came from a pipe. */
  type(bytes: Uint8Array): void {
    for (const one of this.#keys.read(bytes)) this.#heed(one);
  }

  detach(): void {
    this.#detached.resolve(undefined);
  }

  /** Nothing more will be typed: detaches once all of it is away and nothing has come back for this time. */
  detachAfterSilence(silenceMs: number): void {
    this.#leaving = setTimeout(() => {
      const isBusy = this.#isHeld || this.#lines.some(({ unsentBytes }) => unsentBytes > 0);
      if (isBusy) this.#leaving?.refresh();
      else this.detach();
    }, silenceMs);
  }

  /** What the keys do, for a person. */
  get help(): string {
    const key = this.#options.escapeKey?.title;
    if (key === undefined) return "no escape key";
    const several = this.#options.uarts.length > 1 ? `, 1 to ${this.#options.uarts.length} choose the UART` : "";
    return `${key} then: x detaches, t takes the pen, b sends a break, r resets the board${several}, ${key} sends itself`;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#leaving);
    for (const line of this.#lines) line[Symbol.dispose]();
    this.#lines.length = 0;
  }

  get #line(): ConsoleLine | undefined {
    return this.#lines[this.#writing];
  }

  async #openLine(uart: string): Promise<void> {
    const { target, label, isReplayed, escapeKey } = this.#options;
    const texts = new NoticeTexts(escapeKey && `${escapeKey.title} t`);
    const line = await openConsoleLine(target, uart, {
      label,
      isReplayed,
      onOutput: (chunk) => this.#show(uart, chunk),
      onNotice: (notice: UartNotice) => {
        const text = texts.textOf(notice);
        if (text !== undefined) this.say(this.#options.uarts.length === 1 ? text : `${uart}: ${text}`);
      },
    });
    this.#lines.push(line);
  }

  #show(uart: string, chunk: Uint8Array): void {
    const { stdout } = this.#surroundings;
    this.#leaving?.refresh();
    if (stdout.write(this.#screen.show(uart, chunk)) || this.#isHeld) return;
    this.#hold(true);
    stdout.once("drain", () => this.#hold(false));
  }

  /** What reads the output decides how fast it comes; the farm skips what is too much, and says so. */
  #hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    for (const line of this.#lines) line.hold(isHeld);
  }

  #heed(typed: Typed): void {
    switch (typed.type) {
      case "input":
        if (!this.#options.isReadOnly) this.#line?.write(typed.bytes);
        return;
      case "choose":
        this.#choose(typed.place - 1);
        return;
      case "detach":
        this.detach();
        return;
      case "help":
        this.say(this.help);
        return;
      case "take":
        this.#ask("takePen");
        return;
      case "break":
        this.#ask("break");
        return;
      case "reset":
        this.#reset();
        return;
    }
  }

  #choose(place: number): void {
    const line = this.#lines[place];
    if (!line) return;
    this.#writing = place;
    this.say(`what you type goes to ${line.uart}`);
  }

  #ask(type: "takePen" | "break"): void {
    if (this.#options.isReadOnly) this.say("you read only, as you asked: --read-only");
    else if (this.#line?.ask({ type }) === false) this.say("a raw port has no way to ask for that");
  }

  /** Said beforehand: words about its success would come in the midst of the board's first line. */
  #reset(): void {
    this.say("resetting the board");
    const request = { method: "POST", path: "control", body: { action: "reset" } } as const;
    this.#options.target.request(request).catch((error) => this.say(FarmError.from(error).message));
  }
}
