import { FarmError } from "../../core/error/farm-error.ts";
import { StandingMemory } from "../../core/gdb/standing-memory.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import type { Boot } from "../boot/boot.ts";
import type { Guest } from "../guest/guest.ts";
import { runningBoot } from "../guest/running-boot.ts";
import type { GdbTransport } from "./debugger-line.ts";
import { GdbSession } from "./gdb-session.ts";
import { type GdbStub, openGdbStub } from "./gdb-stub.ts";
import { answerMonitor } from "./monitor-answer.ts";

export interface GdbChannelOptions {
  readonly guest: Guest;
  readonly board: Pick<BoardSpec, "emulator" | "memory">;
  /** The debugger has killed its program. */
  onKill(): void;
  /** How long a CPU may stand that a debugger has left standing without a word; default 10 s. */
  readonly graceMs?: number;
}

/** A connection that breaks often comes back; a board that stands for ever is of no use to anybody. */
const GRACE_MS = 10_000;
/** How long a debugger waits for the end of another one's connection. */
const RETURN_MS = 1_000;

/**
 * The debugger of a board: one at a time, through all its boots. The stub is made when the debugger comes, which stops
 * the CPU. Its emulator serves no other boot.
 */
export class GdbChannel implements AsyncDisposable {
  readonly #options: GdbChannelOptions;
  readonly #servings = new Set<Promise<void>>();
  #attached: { readonly session: GdbSession; readonly ended: Promise<void> } | undefined;
  /** The end of the session before: its stub goes first. */
  #parting: Promise<void> = Promise.resolve();
  #grace: NodeJS.Timeout | undefined;
  /** The CPU stands for a debugger's sake alone: without one, it goes on. */
  #owesResume: Boot | undefined;

  constructor(options: GdbChannelOptions) {
    this.#options = options;
  }

  /** @throws {FarmError} BoardOff: no debugger could come now */
  check(): void {
    const { boot, starting } = this.#options.guest;
    if (!boot && !starting) throw boardOff();
  }

  /**
   * A debugger comes. What it sends goes to `receive` of the session at once, `closed` when its connection has ended.
   * A board that is being started is waited for. Where no stub can be had, or another debugger is attached, its
   * connection is closed with the reason.
   * @throws {FarmError} as `check`
   */
  connect(transport: GdbTransport): GdbSession {
    this.check();
    const { guest } = this.#options;
    const ended = Promise.withResolvers<void>();
    const { emulator, memory } = this.#options.board;
    // A reset from outside is one of the CPU, not a restart of the emulator.
    const canReset = emulator.reset === "system";
    const events = {
      onMonitor: async (command: string) => {
        const { qmp } = await runningBoot(guest, "the monitor");
        return await answerMonitor(command, { qmp, canReset });
      },
      onKill: () => {
        this.#owesResume = undefined;
        this.#options.onKill();
      },
      onEnd: () => {
        if (this.#attached?.session === session) this.#attached = undefined;
        ended.resolve();
      },
    };
    const regions = memory.regions.map(({ base, sizeKiB }) => ({ address: base, bytes: sizeKiB * 1024 }));
    const session = new GdbSession(transport, events, new StandingMemory(regions));
    const serving = this.#admit(session, ended.promise).finally(() => this.#servings.delete(serving));
    this.#servings.add(serving);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#owesResume = undefined;
    this.#attached?.session.end("the board is no longer there");
    await Promise.all(this.#servings);
    clearTimeout(this.#grace);
  }

  /** One at a time: whoever comes back is often here before the end of its last connection is. */
  async #admit(session: GdbSession, ended: Promise<void>): Promise<void> {
    if (this.#attached) await atMost(RETURN_MS, Promise.race([this.#attached.ended, ended]));
    if (this.#attached) session.end(new FarmError("GdbTaken", {}).message);
    if (session.isEnded) return;
    clearTimeout(this.#grace);
    this.#attached = { session, ended };
    const before = this.#parting;
    this.#parting = before.then(() => this.#serve(session, ended));
    await this.#parting;
  }

  async #serve(session: GdbSession, ended: Promise<void>): Promise<void> {
    await Promise.race([this.#options.guest.starting, ended]);
    const { boot } = this.#options.guest;
    if (!boot) session.end(boardOff().message);
    else if (!session.isEnded) await this.#debug(session, boot, ended);
  }

  async #debug(session: GdbSession, boot: Boot, ended: Promise<void>): Promise<void> {
    void boot.exited.then(({ code = 0 }) => session.exited(code));
    boot.spoil();
    const endDebugging = this.#options.guest.beginDebugging();
    const stopListening = boot.qmp.onEvent(({ event }) => {
      if (event === "RESUME") this.#owesResume = boot;
      if (event === "STOP") session.noteStop();
    });
    let stub: GdbStub | undefined;
    let didRun = false;
    try {
      await boot.running;
      didRun = await isRunning(boot);
      stub = await this.#attach(session, boot, didRun);
      await ended;
    } catch (error) {
      session.end(FarmError.from(error).message);
    } finally {
      if (stub) await part(session, stub);
      stopListening();
      await this.#letGo(session, boot, didRun).finally(endDebugging);
    }
  }

  async #attach(session: GdbSession, boot: Boot, didRun: boolean): Promise<GdbStub> {
    if (didRun) this.#owesResume = boot;
    const stub = await openGdbStub(boot.qmp, this.#options.guest.slot);
    stub.socket.once("close", () => session.end("the guest has ended"));
    session.plugIn(stub.socket);
    return stub;
  }

  /** What ran goes on at once, also after what was no debugger; what one had stopped goes on unless it comes back. */
  async #letGo(session: GdbSession, boot: Boot, didRun: boolean): Promise<void> {
    // The next debugger is here already.
    if (this.#attached) return;
    if (this.#options.guest.boot !== boot || this.#owesResume !== boot) return;
    try {
      if (session.wasRunning || (didRun && !session.hasSpoken)) await boot.resume();
      else if (!(await isRunning(boot)) && !this.#attached) this.#awaitReturn(boot);
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

function boardOff(): FarmError {
  return new FarmError("BoardOff", { what: "GDB" });
}

/** The emulator forgets the debugger and its breakpoints. */
async function part(session: GdbSession, stub: GdbStub): Promise<void> {
  await session.takeBack();
  await stub.end();
}

/** Settles with the promise, or after so long. */
async function atMost(ms: number, promise: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function isRunning({ qmp }: Boot): Promise<boolean> {
  const { running } = (await qmp.execute("query-status")) as { running: boolean };
  return running;
}
