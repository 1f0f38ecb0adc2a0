import { encodeNegotiation, type TelnetVerb } from "./telnet.ts";

/** How far an agreement is: nobody asked, or it was refused; we have asked and hear the answer; agreed. */
type Agreement = "off" | "asked" | "on";

export interface TelnetOptionsDependencies {
  /** Options that this side takes on itself. */
  readonly own: readonly number[];
  /** Options that the other side may take on itself. */
  readonly others: readonly number[];
  send(bytes: Uint8Array): void;
}

/**
 * Agrees on options with the other side. What changes nothing is not answered, so that no two servers ever talk on for
 * ever (RFC 854 and the method of RFC 1143, without its queue: nothing is ever taken back here).
 */
export class TelnetOptions {
  readonly #dependencies: TelnetOptionsDependencies;
  readonly #own = new Map<number, Agreement>();
  readonly #others = new Map<number, Agreement>();

  constructor(dependencies: TelnetOptionsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Asks before the other side does. */
  offer(wanted: Pick<TelnetOptionsDependencies, "own" | "others">): void {
    for (const option of wanted.own) this.#ask("WILL", this.#own, option);
    for (const option of wanted.others) this.#ask("DO", this.#others, option);
  }

  /** This side does it. */
  isOwn(option: number): boolean {
    return this.#own.get(option) === "on";
  }

  /** The other side does it. */
  isOthers(option: number): boolean {
    return this.#others.get(option) === "on";
  }

  receive(verb: TelnetVerb, option: number): void {
    const { own, others } = this.#dependencies;
    if (verb === "DO" || verb === "DONT") {
      this.#settle(this.#own, option, verb === "DO", own.includes(option), "WILL", "WONT");
    } else {
      this.#settle(this.#others, option, verb === "WILL", others.includes(option), "DO", "DONT");
    }
  }

  #ask(verb: TelnetVerb, agreements: Map<number, Agreement>, option: number): void {
    agreements.set(option, "asked");
    this.#dependencies.send(encodeNegotiation(verb, option));
  }

  #settle(
    agreements: Map<number, Agreement>,
    option: number,
    isWanted: boolean,
    isAcceptable: boolean,
    yes: TelnetVerb,
    no: TelnetVerb,
  ): void {
    const before = agreements.get(option) ?? "off";
    if (!isWanted) {
      if (before === "off") return;
      agreements.set(option, "off");
      // An answer needs none; the end of what was agreed does.
      if (before === "on") this.#dependencies.send(encodeNegotiation(no, option));
    } else if (!isAcceptable) {
      this.#dependencies.send(encodeNegotiation(no, option));
    } else if (before !== "on") {
      agreements.set(option, "on");
      if (before === "off") this.#dependencies.send(encodeNegotiation(yes, option));
    }
  }
}
