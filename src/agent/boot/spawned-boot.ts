import type { GuestExit } from "../../core/wire/attempt.ts";
import type { EmulatorProcess } from "../emulator/emulator-process.ts";
import { QmpClient } from "../qmp/qmp-client.ts";
import type { QmpEvent } from "../qmp/qmp-session.ts";
import type { Boot, BootRequest } from "./boot.ts";
import { type BootEnd, classifyExit, startError } from "./exit-classification.ts";
import { ResetCount } from "./reset-count.ts";

export interface SpawnedBootTimes {
  /** How long an emulator may take until its QMP answers. */
  readonly answerTimeoutMs: number;
  /** How long an emulator may take to end when asked to. */
  readonly stopGraceMs: number;
}

/** A boot that has an emulator process to itself: it begins and ends with it. */
export class SpawnedBoot implements Boot {
  readonly number: number;
  readonly qmp: QmpClient;
  readonly running: Promise<void>;
  readonly exited: Promise<GuestExit>;
  readonly #process: EmulatorProcess;
  readonly #request: BootRequest;
  readonly #times: SpawnedBootTimes;
  readonly #resets: ResetCount;
  #shutdownReason: string | undefined;
  #hasAnswered = false;
  /** The guest's clock has been started once. */
  #isBegun: boolean;
  #endedFor: BootEnd["endedFor"];

  /** @param emulator one that has just been started, with a channel for QMP and one for each UART. */
  constructor(emulator: EmulatorProcess, request: BootRequest, times: SpawnedBootTimes) {
    this.#process = emulator;
    this.#request = request;
    this.#times = times;
    this.number = request.boot;
    this.#isBegun = request.isPaused;
    this.#resets = new ResetCount((resets) => request.events.onReset?.(resets));
    const [qmpSocket, ...uartSockets] = emulator.channels;
    if (qmpSocket === undefined) throw new RangeError("an emulator without a channel for QMP");
    this.qmp = new QmpClient(qmpSocket, times.answerTimeoutMs);
    this.qmp.onEvent((event) => this.#observe(event));
    if (!request.isPaused) this.#begin();
    for (const [place, uart] of request.uarts.entries()) {
      const socket = uartSockets[place];
      if (socket) uart.attach(socket, request.boot, () => this.qmp.kick());
    }
    this.exited = this.#awaitEnd();
    this.running = this.#awaitAnswer();
    // Whoever does not wait for it learns of the failure from `exited`.
    this.running.catch(() => {});
  }

  get pid(): number {
    return this.#process.pid;
  }

  get resets(): number {
    return this.#resets.count;
  }

  async pause(): Promise<void> {
    await this.qmp.execute("stop");
  }

  async resume(): Promise<void> {
    await this.qmp.execute("cont");
  }

  async reset(): Promise<void> {
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

  async stop(): Promise<GuestExit> {
    if (!this.#process.hasExited) {
      this.#endedFor ??= "stop";
      await this.#quit();
    }
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #observe({ event, data }: QmpEvent): void {
    switch (event) {
      case "RESET":
        if (data.guest === true) this.#countReset();
        break;
      case "SHUTDOWN":
        this.#shutdownReason ??= String(data.reason);
        void this.#quit();
        break;
      case "STOP":
        if (this.#shutdownReason === undefined) this.#request.events.onPaused?.();
        break;
      case "RESUME":
        if (this.#isBegun) this.#request.events.onResumed?.();
        this.#isBegun = true;
        break;
    }
  }

  /** Sent ahead: it lies in the socket when the emulator gets there, so that nobody waits for anybody. */
  #begin(): void {
    this.qmp.execute("cont", undefined, { timeoutMs: this.#times.answerTimeoutMs }).catch(() => {
      // Only a connection that has failed can refuse it; `running` and `exited` tell that.
    });
  }

  #countReset(): void {
    if (this.#endedFor !== undefined) return;
    this.#resets.add();
    if (this.#resets.count > this.#request.maxResets) this.#kill("resetLoop");
  }

  /** First asks, then forces. */
  async #quit(): Promise<void> {
    this.qmp.quit();
    await this.#process.killAfter(this.#times.stopGraceMs);
  }

  #kill(reason: BootEnd["endedFor"]): void {
    this.#endedFor ??= reason;
    this.#process.kill();
  }

  async #awaitAnswer(): Promise<void> {
    try {
      await this.qmp.ready;
      this.#hasAnswered = true;
    } catch {
      // The end of the process tells better what happened; one that is still there will never answer.
      if (this.qmp.failure?.problem !== "closed") this.#kill("protocol");
      const exit = await this.exited;
      throw startError(exit);
    }
  }

  async #awaitEnd(): Promise<GuestExit> {
    void this.qmp.closed.then(() => this.#afterQmp());
    const end = await this.#process.exited;
    this.#resets[Symbol.dispose]();
    // How the guest ended is known all the same; the next boot sweeps first, and is refused while that fails.
    await this.#request.slot.sweep().catch(() => {});
    return classifyExit({
      process: end,
      shutdownReason: this.#shutdownReason,
      hasAnswered: this.#hasAnswered,
      endedFor: this.#endedFor,
      resets: this.#resets.count,
      endings: this.#request.board.endings,
    });
  }

  /** QMP ends with the process; where it ends before, nothing can be learned from this emulator any more. */
  async #afterQmp(): Promise<void> {
    const problem = this.qmp.failure?.problem;
    // Only an emulator that a guest has taken over talks nonsense or floods.
    if (problem === "malformed" || problem === "tooLarge") this.#kill("protocol");
    else await this.#process.killAfter(this.#times.stopGraceMs);
  }
}
