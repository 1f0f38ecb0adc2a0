import { FarmError } from "../../core/error/farm-error.ts";
import type { BootStrategyName } from "../../core/schema/boot-strategy.ts";
import type { GuestExit } from "../../core/wire/attempt.ts";
import { type CrashedCpu, withCrashPlace } from "../crash/crash-report.ts";
import { readCrashedCpu } from "../crash/crashed-cpu.ts";
import type { ProcessEnd } from "../emulator/emulator-process.ts";
import type { BoardEmulator } from "../emulator/emulators.ts";
import type { QmpClient } from "../qmp/qmp-client.ts";
import type { Boot, BootRequest } from "./boot.ts";
import { BootPins } from "./boot-pins.ts";
import { BootWatch } from "./boot-watch.ts";
import { type BootEnd, classifyExit, refusal, startError } from "./exit-classification.ts";
import type { LiveEmulator } from "./live-emulator.ts";

export interface EmulatorBootOptions {
  readonly strategy: BootStrategyName;
  /** In an emulator of its own, or one that has served other boots. */
  readonly live: LiveEmulator;
  /**
   * Sends what gets the guest going, all at once; settles when it goes, or stands paused. Where its pins are watched from
   * its first instruction, they are connected before that.
   */
  begin(qmp: QmpClient, connectPins: (() => Promise<void>) | undefined): Promise<unknown>;
  /** How long an emulator may take to end when asked to. */
  readonly stopGraceMs: number;
  /** After a clean end the emulator lives on, and whoever made the boot gets it back here. */
  readonly onReusable?: ((live: LiveEmulator) => void) | undefined;
  /** The boot is over and done with. */
  onDisposed?(): void;
}

const RESTORED: readonly BootStrategyName[] = ["snapshot", "template"];

/** Ends after which nothing of the guest goes on in the emulator. */
const CLEAN_ENDS: readonly (string | undefined)[] = ["GuestExited", "GuestShutdown", "GuestReset", "Stopped"];

/** Why the pins of a guest that was not begun could not be connected. */
function isOfPins({ code }: FarmError): boolean {
  return code === "PinsFailed" || code === "NotSupportedHere" || code === "SocketPathTooLong";
}

/** A boot in an emulator. It ends with the emulator's process, or hands it back where that may serve another one. */
export class EmulatorBoot implements Boot {
  readonly number: number;
  readonly strategy: BootStrategyName;
  readonly emulator: BoardEmulator;
  readonly qmp: QmpClient;
  readonly running: Promise<void>;
  readonly exited: Promise<GuestExit>;
  readonly #live: LiveEmulator;
  readonly #request: BootRequest;
  readonly #options: Omit<EmulatorBootOptions, "live" | "strategy">;
  readonly #watch: BootWatch;
  readonly #pins: BootPins;
  #unplug: (() => void)[] = [];
  /** Of the process, or of a guest that its emulator outlives. */
  readonly #end = Promise.withResolvers<ProcessEnd>();
  #hasAnswered = false;
  #refusal: string | undefined;
  #crashed: CrashedCpu | undefined;
  #isSpoiled = false;
  #isDisposed = false;
  #endedFor: BootEnd["endedFor"];
  /** Under way since the first call of `stop`. */
  #stopping: Promise<void> | undefined;

  constructor(request: BootRequest, { live, strategy, ...options }: EmulatorBootOptions) {
    this.#live = live;
    this.#request = request;
    this.#options = options;
    this.number = request.boot;
    this.strategy = strategy;
    this.emulator = live.emulator;
    this.qmp = live.qmp;
    this.#pins = new BootPins({
      request,
      live,
      onHeld: () => this.#watch.hold(),
      onFailed: () => this.#kill("protocol"),
    });
    this.#watch = new BootWatch(this.qmp, {
      request,
      takesAsReset: (reason) => this.#pins.takesAsReset(reason),
      onResetHeld: () => this.#pins.afterGuestReset(),
      onShutdown: () => this.#shutDown(),
      onPanic: ({ isKept }) => void this.#panic(isKept),
      onResetLoop: () => this.#kill("resetLoop"),
      onStoppedAtText: () => void this.#afterDecidingText(),
    });
    live.wake((end) => this.#end.resolve(end));
    this.exited = this.#awaitEnd();
    this.running = this.#awaitAnswer();
    // Whoever does not wait for it learns of the failure from `exited`.
    this.running.catch(() => {});
  }

  get pid(): number {
    return this.#live.process.pid;
  }

  get resets(): number {
    return this.#watch.resets;
  }

  async pause(): Promise<void> {
    await this.#pins.settled();
    await this.qmp.execute("stop");
  }

  async resume(): Promise<void> {
    await this.qmp.execute("cont");
  }

  async reset(): Promise<void> {
    if (this.#pins.isHolding) {
      await this.#pins.reset();
      return;
    }
    if (this.#request.onReset === "continue") {
      await this.qmp.execute("system_reset");
      return;
    }
    // The guest's own reset is the end of this boot; the one that was asked for is not.
    await Promise.all([
      this.qmp.execute("set-action", { reboot: "reset" }),
      this.qmp.execute("system_reset"),
      this.qmp.execute("set-action", { reboot: "shutdown" }),
    ]);
  }

  spoil(): void {
    this.#isSpoiled = true;
  }

  async stop(): Promise<GuestExit> {
    if (!this.#hasEnded()) this.#stopping ??= this.#beginStop();
    await this.#stopping;
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { reason } = await this.stop();
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const { onReusable, onDisposed } = this.#options;
    const live = this.#live;
    if (!live.process.hasExited) {
      const isClean = this.#hasAnswered && CLEAN_ENDS.includes(reason);
      if (onReusable && isClean && this.#isReusable()) onReusable(live);
      else await this.#quit();
    }
    onDisposed?.();
  }

  /** The process of a machine that is kept ends with nothing but the word of its crash: where that was, it is asked. */
  async #panic(isKept: boolean): Promise<void> {
    if (isKept && this.#crashed === undefined) {
      this.#crashed = { dump: "", stack: [] };
      this.#crashed = await readCrashedCpu(this.qmp, this.#options.stopGraceMs);
    }
    await this.#quit();
  }

  #shutDown(): void {
    if (this.#isReusable()) this.#endAlive();
    else void this.#quit();
  }

  #isReusable(): boolean {
    return this.#options.onReusable !== undefined && !this.#isSpoiled;
  }

  #hasEnded(): boolean {
    return this.#live.process.hasExited || this.#watch.shutdownReason !== undefined;
  }

  /** Sends at once what ends the guest. */
  #beginStop(): Promise<void> {
    this.#endFor("stop");
    return this.#isReusable() ? this.#halt() : this.#quit();
  }

  /** The emulator lives on; the guest's last bytes are read first. */
  #endAlive(): void {
    const { process } = this.#live;
    void this.#live.outputRead().then(() => this.#end.resolve({ code: 0, signal: null, stderr: process.stderr }));
  }

  /** Makes the guest stand still for good. An emulator that does not answer is ended by force. */
  async #halt(): Promise<void> {
    try {
      await this.qmp.execute("stop", undefined, { timeoutMs: this.#options.stopGraceMs });
      this.#endAlive();
    } catch {
      // It does not answer, or has gone: `exited` tells which.
      this.#isSpoiled = true;
      this.#live.process.kill();
    }
  }

  /** By the time that the text has been read, the test is over; where it is not all the same, the guest goes on. */
  async #afterDecidingText(): Promise<void> {
    try {
      await this.running;
      await this.#live.outputRead();
      if (this.#stopping === undefined && !this.#hasEnded()) await this.qmp.execute("cont");
    } catch {
      // It was not begun, or its emulator has gone: `running` and `exited` tell.
    }
  }

  /** First asks, then forces. */
  async #quit(): Promise<void> {
    this.#isSpoiled = true;
    await this.#live.quit();
  }

  /** The farm ends the guest; the first reason counts. */
  #endFor(reason: BootEnd["endedFor"]): void {
    this.#endedFor ??= reason;
    this.#watch.stopCounting();
  }

  #kill(reason: BootEnd["endedFor"]): void {
    this.#endFor(reason);
    this.#isSpoiled = true;
    this.#live.process.kill();
  }

  async #awaitAnswer(): Promise<void> {
    try {
      await this.#options.begin(this.qmp, this.#request.gpio?.isWanted ? () => this.#pins.connectFirst() : undefined);
      this.#hasAnswered = true;
      this.#plugIn();
    } catch (error) {
      this.#live.discardOutput();
      const { failure } = this.qmp;
      this.#refusal = refusal(error);
      if (error instanceof FarmError && (error.code === "SnapshotFailed" || (isOfPins(error) && !failure))) {
        this.#kill("lost");
        throw error;
      }
      if (this.#refusal !== undefined) void this.#quit();
      // The end of the process tells better what happened; one that is still there will never answer.
      else if (failure?.problem !== "closed") this.#kill("protocol");
      throw startError(await this.exited);
    }
  }

  /**
   * Not before the guest is there: what was written to the UARTs of an emulator that is still being recycled or
   * restored would be lost.
   */
  #plugIn(): void {
    const { uarts, boot } = this.#request;
    const { info } = this.emulator;
    // The farm's own wakes by itself when a UART can receive; one that was restored has not seen it become so.
    const wakesItself = info.farmRevision !== undefined && !RESTORED.includes(this.strategy);
    const kick = wakesItself ? undefined : () => this.qmp.kick();
    this.#unplug = uarts.flatMap((uart, place) => {
      const socket = this.#live.uarts[place];
      return socket ? [uart.attach(socket, boot, kick)] : [];
    });
  }

  async #awaitEnd(): Promise<GuestExit> {
    const live = this.#live;
    const end = await this.#end.promise;
    for (const unplug of this.#unplug) unplug();
    this.#pins.unplug();
    this.#watch[Symbol.dispose]();
    // How the guest ended is known all the same; the next boot sweeps first, and is refused while that fails.
    if (live.process.hasExited) await this.#request.slot.sweep().catch(() => {});
    const exit = classifyExit({
      process: end,
      isEmulatorAlive: !live.process.hasExited,
      shutdownReason: this.#watch.shutdownReason,
      exitCode: this.#watch.exitCode,
      refusal: this.#refusal,
      registers: this.#crashed?.dump,
      hasAnswered: this.#hasAnswered,
      endedFor: live.hasBrokenProtocol ? "protocol" : this.#endedFor,
      resets: this.#watch.resets,
      endings: this.#request.board.endings,
    });
    const cpu = this.#crashed ?? { dump: end.stderr, stack: [] };
    return await withCrashPlace(exit, cpu, this.#request.firmware);
  }
}
