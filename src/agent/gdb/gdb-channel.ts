import { FarmError } from "../../core/error/farm-error.ts";
import type { Boot } from "../boot/boot.ts";
import type { Guest } from "../guest/guest.ts";
import { GdbSession, type GdbTransport } from "./gdb-session.ts";
import { type GdbStub, openGdbStub } from "./gdb-stub.ts";
import { answerMonitor } from "./monitor-answer.ts";

export interface GdbChannelOptions {
  readonly guest: Guest;
  /** A reset from outside is one of the CPU, not a restart of the emulator. */
  readonly canReset: boolean;
  /** The debugger has killed its program. */
  onKill(): void;
  /** How long a CPU may stand that a debugger has left standing without a word; default 10 s. */
  readonly graceMs?: number;
}

/** A connection that breaks often comes back; a board that stands for ever is of no use to anybody. */
const GRACE_MS = 10_000;

/**
 * The debugger of a board: one at a time, through all its boots. The stub is made when the debugger comes, which stops
 * the CPU. Its emulator serves no other boot.
 */
export class GdbChannel implements AsyncDisposable {
  readonly #options: GdbChannelOptions;
  #session: GdbSession | undefined;
  /** The end of the session before: its stub goes first. */
  #parting: Promise<void> = Promise.resolve();
  #grace: NodeJS.Timeout | undefined;
  /** The CPU stands for a debugger's sake alone: without one, it goes on. */
  #owesResume: Boot | undefined;

  constructor(options: GdbChannelOptions) {
    this.#options = options;
  }

  get isAttached(): boolean {
    return this.#session !== undefined;
  }

  /**
   * Whether a debugger could come now.
   * @throws {FarmError} NotFound of a board that is off, GdbTaken
   */
  check(): void {
    if (!this.#options.guest.boot) throw new FarmError("NotFound", { kind: "GDB", name: "of a board that is off" });
    if (this.#session) throw new FarmError("GdbTaken", {});
  }

  /**
   * A debugger comes. What it sends goes to `receive` of the session at once, `closed` when its connection has ended.
   * Where no stub can be had, its connection is closed with the reason.
   * @throws {FarmError} as `check`
   */
  connect(transport: GdbTransport): GdbSession {
    this.check();
    clearTimeout(this.#grace);
    const boot = this.#options.guest.boot as Boot;
    const ended = Promise.withResolvers<void>();
    const session = new GdbSession(transport, {
      onMonitor: (command) => answerMonitor(command, { qmp: boot.qmp, canReset: this.#options.canReset }),
      onKill: () => {
        this.#owesResume = undefined;
        this.#options.onKill();
      },
      onEnd: ended.resolve,
    });
    this.#session = session;
    this.#parting = this.#serve(session, boot, ended.promise);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#grace);
    this.#owesResume = undefined;
    this.#session?.end("the board is no longer there");
    await this.#parting;
    clearTimeout(this.#grace);
  }

  async #serve(session: GdbSession, boot: Boot, ended: Promise<void>): Promise<void> {
    const { guest } = this.#options;
    await this.#parting;
    void boot.exited.then(({ code = 0 }) => session.exited(code));
    boot.spoil();
    const endDebugging = guest.beginDebugging();
    const stopListening = boot.qmp.onEvent(({ event }) => {
      if (event === "RESUME") this.#owesResume = boot;
      if (event === "STOP") session.noteStop();
    });
    let stub: GdbStub | undefined;
    try {
      stub = await this.#attach(session, boot);
      await ended;
    } catch (error) {
      session.end(FarmError.from(error).message);
    } finally {
      if (stub) await part(session, stub);
      stopListening();
      this.#session = undefined;
      await this.#letGo(session, boot).finally(endDebugging);
    }
  }

  async #attach(session: GdbSession, boot: Boot): Promise<GdbStub> {
    await boot.running;
    if (await isRunning(boot)) this.#owesResume = boot;
    const stub = await openGdbStub(boot.qmp, this.#options.guest.slot);
    stub.socket.once("close", () => session.end("the guest has ended"));
    session.plugIn(stub.socket);
    return stub;
  }

  /** What ran goes on at once; what the debugger had stopped goes on unless it comes back. */
  async #letGo(session: GdbSession, boot: Boot): Promise<void> {
    if (this.#options.guest.boot !== boot || this.#owesResume !== boot) return;
    try {
      if (session.wasRunning) await boot.resume();
      else if (!(await isRunning(boot))) this.#awaitReturn(boot);
    } catch {
      // The boot ends just now: there is nothing left to go on.
    }
  }

  #awaitReturn(boot: Boot): void {
    this.#grace = setTimeout(() => {
      if (this.#options.guest.boot !== boot || this.#owesResume !== boot) return;
      this.#owesResume = undefined;
      // A boot that ends meanwhile needs nothing.
      boot.resume().catch(() => {});
    }, this.#options.graceMs ?? GRACE_MS);
  }
}

/** The emulator forgets the debugger and its breakpoints. */
async function part(session: GdbSession, stub: GdbStub): Promise<void> {
  await session.takeBack();
  await stub.end();
}

async function isRunning({ qmp }: Boot): Promise<boolean> {
  const { running } = (await qmp.execute("query-status")) as { running: boolean };
  return running;
}
