import type { Socket } from "node:net";
import type { EmulatorProcess, ProcessEnd } from "../emulator/emulator-process.ts";
import type { BoardEmulator } from "../emulator/emulators.ts";
import { QmpClient } from "../qmp/qmp-client.ts";

/** Of the event loop, until all that lies in its sockets has been read: many times what they hold. */
const MOST_TURNS = 100;

export interface LiveEmulatorOptions {
  /** What runs in the process. */
  readonly emulator: BoardEmulator;
  /** Just started, with a channel for QMP and one for each UART. */
  readonly process: EmulatorProcess;
  /** How long it may take until its QMP answers. */
  readonly answerTimeoutMs: number;
  /** How long it may take to end when asked to. */
  readonly stopGraceMs: number;
  /** Told of bytes that came from a UART while no boot was there to have them. */
  onStray?(bytes: number): void;
}

/** An emulator's process with the channels that it keeps for its life, whichever boots it serves. */
export class LiveEmulator implements AsyncDisposable {
  readonly emulator: BoardEmulator;
  readonly process: EmulatorProcess;
  readonly qmp: QmpClient;
  readonly uarts: readonly Socket[];
  /** Its virtual clock when the guest began that it runs now, in nanoseconds. */
  beganNs = 0;
  readonly #stopGraceMs: number;
  readonly #onStray: LiveEmulatorOptions["onStray"];
  readonly #done = new Map<string, Promise<void>>();
  #tellEnd: ((end: ProcessEnd) => void) | undefined;
  #end: ProcessEnd | undefined;
  #hasBrokenProtocol = false;

  constructor({ emulator, process, answerTimeoutMs, stopGraceMs, onStray }: LiveEmulatorOptions) {
    const [qmp, ...uarts] = process.channels;
    if (qmp === undefined) throw new RangeError("an emulator without a channel for QMP");
    this.emulator = emulator;
    this.process = process;
    this.qmp = new QmpClient(qmp, answerTimeoutMs);
    this.uarts = uarts;
    this.#stopGraceMs = stopGraceMs;
    this.#onStray = onStray;
    void this.qmp.closed.then(() => this.#afterQmp());
    void process.exited.then((end) => {
      this.#end = end;
      this.#tellEnd?.(end);
    });
  }

  get isAlive(): boolean {
    return !this.process.hasExited && this.qmp.failure === undefined;
  }

  /** It talked nonsense or flooded, as only an emulator does that a guest has taken over. */
  get hasBrokenProtocol(): boolean {
    return this.#hasBrokenProtocol;
  }

  /** A boot takes it over, and is told once of the end of the process. */
  wake(onEnd: (end: ProcessEnd) => void): void {
    for (const socket of this.uarts) socket.off("data", this.#countStray);
    this.process.forgetStderr();
    if (this.#end) onEnd(this.#end);
    else this.#tellEnd = onEnd;
  }

  /** Between boots: what comes from the UARTs belongs to nobody. */
  rest(): void {
    this.#tellEnd = undefined;
    for (const socket of this.uarts) socket.on("data", this.#countStray);
  }

  /**
   * Settles when all that the guest has written until now has been read. What it wrote lies in the sockets before QMP
   * tells of it, and each turn of the event loop reads every socket until it is empty: the turn that is under way may
   * have passed the UARTs already, the next one has not.
   */
  async outputRead(): Promise<void> {
    await nextTurn();
    await nextTurn();
  }

  /**
   * Between boots: settles when so many bytes of each UART have been read since the process started. The emulator counts
   * them: what comes after them is the next guest's. As a rule all of them have come, and nobody waits.
   * @throws {Error} they do not come, though they lie in the sockets by then
   */
  async readUpTo(written: readonly (number | undefined)[]): Promise<void> {
    const isBehind = (socket: Socket, place: number) => socket.bytesRead < (written[place] ?? 0);
    for (let turn = 0; this.uarts.some(isBehind); turn++) {
      if (turn === MOST_TURNS) throw new Error("the emulator tells of more output than came");
      await nextTurn();
    }
  }

  /** Nobody will read it: its sockets end all the same. */
  discardOutput(): void {
    for (const socket of this.uarts) socket.resume();
  }

  /** Does something once in the life of the process; what has failed is done again. */
  once(key: string, act: () => Promise<void>): Promise<void> {
    const known = this.#done.get(key);
    if (known) return known;
    const done = act();
    this.#done.set(key, done);
    done.catch(() => this.#done.delete(key));
    return done;
  }

  /** First asks, then forces. */
  async quit(): Promise<void> {
    this.qmp.quit();
    await this.process.killAfter(this.#stopGraceMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }

  readonly #countStray = (chunk: Buffer) => {
    this.#onStray?.(chunk.length);
  };

  /** QMP ends with the process; where it ends before, nothing can be learned from this emulator any more. */
  async #afterQmp(): Promise<void> {
    const problem = this.qmp.failure?.problem;
    this.#hasBrokenProtocol = problem === "malformed" || problem === "tooLarge";
    if (this.#hasBrokenProtocol) this.process.kill();
    else await this.process.killAfter(this.#stopGraceMs);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
