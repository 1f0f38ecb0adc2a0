import { FarmError } from "../../core/error/farm-error.ts";
import { decidingText } from "../../core/policy/deciding-text.ts";
import { textChannels, usesSemihosting } from "../../core/policy/text-channels.ts";
import { verdictOfError } from "../../core/policy/verdict-of-error.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import { durationMs } from "../../core/schema/duration.ts";
import { usesDisplay, usesGuestTime } from "../../core/schema/scenario.ts";
import type { AttemptResult, AttemptSpec } from "../../core/wire/attempt.ts";
import type { BootStrategy } from "../boot/boot.ts";
import { watchReady } from "../boot/ready-watch.ts";
import { memoryLimitMiB } from "../emulator/process-limits.ts";
import type { FirmwareSupply, HeldFirmware } from "../firmware/firmware-supply.ts";
import { GdbChannel } from "../gdb/gdb-channel.ts";
import type { GpioBank } from "../gpio/gpio-bank.ts";
import type { WiredCircuit } from "../gpio/wired-circuit.ts";
import { Guest } from "../guest/guest.ts";
import { Progress } from "../progress.ts";
import type { GuestControl } from "../scenario/guest-control.ts";
import type { ScenarioResult } from "../scenario/scenario-result.ts";
import { runScenario, type ScenarioRun } from "../scenario/scenario-run.ts";
import type { Slot } from "../slot/slot.ts";
import { createOutputLimit } from "../uart/output-limit.ts";
import { UartHub } from "../uart/uart-hub.ts";
import { Artifacts, artifactFolder } from "./artifacts.ts";
import { guestControl } from "./attempt-guest-control.ts";
import { attemptParts, attemptPins, recordPins } from "./attempt-pins.ts";
import { attemptResult, brokenResult } from "./attempt-result.ts";
import { AttemptTimings } from "./attempt-timings.ts";
import { GuestDeadlines } from "./guest-deadlines.ts";
import { ReadyWait } from "./ready-wait.ts";

export interface AttemptDependencies {
  readonly boots: BootStrategy;
  readonly firmware: FirmwareSupply;
}

export interface AttemptOptions {
  readonly id: string;
  readonly spec: AttemptSpec;
  readonly slot: Slot;
  readonly logFolder: string;
  readonly events: AttemptEvents;
}

/** Told as it happens; none of them may throw. */
export interface AttemptEvents {
  onRunning(): void;
  onReady(): void;
  /** The verdict stands. The emulator may need a moment yet to be gone. */
  onFinished(result: AttemptResult): void;
  onLogError(uart: string, error: Error): void;
}

/** Lets go of whatever waits for something of an attempt that has ended. Made once: its stack costs, and tells nothing. */
const ENDED = new FarmError("Cancelled", { reason: "the attempt has ended" });

/** One try at a job that runs. It needs nobody: no connection holds it, and no connection's end ends it. */
export class Attempt {
  readonly id: string;
  readonly spec: AttemptSpec;
  readonly hubs: readonly UartHub[];
  readonly guest: Guest;
  readonly artifacts: Artifacts;
  readonly gdb: GdbChannel;
  readonly gpio: GpioBank;
  readonly timings = new AttemptTimings();
  readonly #dependencies: AttemptDependencies;
  readonly #events: AttemptEvents;
  readonly #progress = new Progress();
  readonly #deadlines = new GuestDeadlines((error) => this.abort(error));
  /** The job may know better than the board when its firmware is up. */
  readonly #board: BoardSpec;
  readonly #startedAt = new Date().toISOString();
  readonly #parts: WiredCircuit | undefined;
  readonly #control: GuestControl;
  readonly #readyWait: ReadyWait;
  #isPausedByScenario = false;
  #hasFirmware = false;
  #hasRun = false;
  #scenario: ScenarioRun | undefined;
  #endRecording: () => void = () => {};

  constructor(options: AttemptOptions, dependencies: AttemptDependencies) {
    const { id, spec, slot, logFolder, events } = options;
    this.id = id;
    this.spec = spec;
    this.#board = spec.ready ? { ...spec.board, ready: spec.ready } : spec.board;
    this.#readyWait = new ReadyWait(this.#board.ready, () => this.timings.nowMs());
    this.artifacts = new Artifacts(artifactFolder(logFolder));
    this.#dependencies = dependencies;
    this.#events = events;
    const outputLimit = createOutputLimit({
      limitBytes: spec.limits.output,
      onExceeded: (uart) =>
        this.#progress.abort(new FarmError("OutputLimit", { limitBytes: spec.limits.output, uart })),
    });
    this.hubs = textChannels(spec.board).map(
      (name) =>
        new UartHub({
          name,
          logPath: `${logFolder}/${name}.log`,
          outputLimit,
          awaitsBoot: true,
          onLogError: (error) => events.onLogError(name, error),
        }),
    );
    this.gpio = attemptPins(spec, this.hubs);
    this.guest = new Guest({
      boots: dependencies.boots,
      tenant: spec.tenant,
      // A debugger wants the first instruction, not the state at the ready pattern.
      strategy: spec.paused && spec.strategy === "auto" ? "live" : spec.strategy,
      slot,
      boardName: spec.boardName,
      board: this.#board,
      network: spec.network,
      onReset: spec.onReset,
      awaitsFirmware: true,
      maxResets: spec.limits.resets,
      needsGuestTime: spec.scenario !== undefined && usesGuestTime(spec.scenario),
      needsSemihosting: usesSemihosting(spec.scenario, this.#board),
      hasDisplay: spec.scenario !== undefined && usesDisplay(spec.scenario),
      decidingText: decidingText(spec),
      hubs: this.hubs,
      gpio: this.gpio,
      progress: this.#progress,
      events: {
        onStarted: () => this.timings.mark("spawnedMs"),
        onRunning: () => this.#running(),
        onStartWaits: (what) => this.#readyWait.setStart(what),
        onPaused: () => this.#setPaused(true),
        onResumed: () => this.#setPaused(false),
      },
    });
    this.gdb = new GdbChannel({
      guest: this.guest,
      board: spec.board,
      onKill: () => this.abort(new FarmError("Cancelled", { reason: "a debugger killed the guest" })),
    });
    this.#parts = attemptParts(spec, this.gpio);
    this.#control = guestControl({
      guest: this.guest,
      hubs: this.hubs,
      gpio: this.gpio,
      parts: this.#parts,
      artifacts: this.artifacts,
      deadlines: this.#deadlines,
      onPause: (isPaused) => {
        this.#isPausedByScenario = isPaused;
      },
    });
  }

  get startedAt(): string {
    return this.#startedAt;
  }

  /** True once a guest has run. */
  get hasRun(): boolean {
    return this.#hasRun;
  }

  /** Ends the attempt with this error; its verdict is the error's. One that is decided already stays as it is. */
  abort(error: FarmError): void {
    this.#progress.abort(error);
  }

  /** Runs it to its end. Settles when the emulator has gone and the slot is empty; rejects for a fault of the farm only. */
  async run(): Promise<void> {
    const { timeout, board } = this.spec;
    this.#progress.setDeadline(durationMs(timeout) * board.timeoutMultiplier, () => this.#timedOut());
    let firmware: HeldFirmware | undefined;
    try {
      firmware = await this.#prepare();
      await this.#decide(firmware);
    } catch (error) {
      this.#finish(failed(FarmError.from(error)));
    } finally {
      this.#progress.abort(ENDED);
      await this.guest[Symbol.asyncDispose]();
      await this.gdb[Symbol.asyncDispose]();
      firmware?.[Symbol.dispose]();
      this.#progress[Symbol.dispose]();
    }
  }

  /** The result where `run` itself has failed, which is the farm's fault. */
  brokenResult(error: FarmError): AttemptResult {
    for (const hub of this.hubs) hub.end();
    this.gpio.end();
    return brokenResult(this, error);
  }

  async #prepare(): Promise<HeldFirmware> {
    const { firmware: reference, urls, board, boardName } = this.spec;
    const firmware = await this.#dependencies.firmware({ reference, urls, board, boardName }, this.#progress);
    this.#hasFirmware = true;
    this.timings.mark("preparedMs");
    return firmware;
  }

  async #decide(firmware: HeldFirmware): Promise<void> {
    const { spec } = this;
    this.guest.load(firmware.files);
    this.#watchOutput();
    this.#endRecording = recordPins(this.gpio, spec.boardName, this.artifacts);
    await this.#parts?.settle();
    const { promise: started, resolve: begin } = Promise.withResolvers<void>();
    const scenario = runScenario({
      scenario: spec.scenario,
      expectText: spec.expectText,
      failText: spec.failText,
      guest: this.#control,
      progress: this.#progress,
      started,
      describeStart: () => this.#readyWait.describeStart(),
      limits: {
        memoryLimitMiB: memoryLimitMiB(spec.board),
        outputLimitBytes: spec.limits.output,
        maxResets: spec.limits.resets,
      },
      timeoutMultiplier: spec.board.timeoutMultiplier,
      nowMs: () => this.timings.nowMs(),
    });
    this.#scenario = scenario;
    // What could not be started is not the scenario's to judge.
    if (spec.paused) this.#setPaused(true);
    this.guest.powerOn(spec.paused).then(begin, (error) => this.#progress.abort(FarmError.from(error)));
    const outcome = await scenario.result;
    // Changes of pins come by another way than what the scenario waited for.
    if (this.gpio.isWanted) await this.gpio.settle();
    this.#finish(outcome);
  }

  #watchOutput(): void {
    for (const hub of this.hubs) {
      const stop = hub.onData(() => {
        stop();
        this.timings.mark("firstByteMs");
      });
    }
    watchReady({
      board: this.#board,
      uarts: this.hubs,
      onReady: () => this.#ready(),
      onError: (error) => this.#progress.abort(error),
    });
  }

  #running(): void {
    this.timings.mark("runningMs");
    if (this.guest.boot) this.#deadlines.begin(this.guest.boot.qmp);
    if (this.#hasRun) return;
    this.#hasRun = true;
    this.#events.onRunning();
    this.#readyWait.begin();
    if (!this.#board.ready) this.#ready();
  }

  #ready(): void {
    this.#readyWait.end();
    this.timings.mark("readyMs");
    this.#events.onReady();
  }

  /** A person or a debugger stopped the CPU: the test's time stands still. The scenario's own pause does not count. */
  #setPaused(isPaused: boolean): void {
    if (this.#isPausedByScenario) return;
    if (isPaused) this.#progress.pauseClock();
    else this.#progress.resumeClock();
    this.#scenario?.setPaused(isPaused);
  }

  #timedOut(): FarmError {
    const waitingFor = this.#hasFirmware
      ? `it was waiting for ${this.#scenario?.waitingFor() ?? "the emulator's start"}${this.#readyWait.describeMissing()}`
      : "its firmware was not here yet";
    return new FarmError("JobTimeout", { timeout: this.spec.timeout, clock: "wall", waitingFor });
  }

  #finish(outcome: ScenarioResult): void {
    const totalMs = this.timings.nowMs();
    // From here on not a byte is taken: log and verdict tell the same.
    for (const hub of this.hubs) hub.end();
    this.gpio.end();
    this.#endRecording();
    this.artifacts[Symbol.dispose]();
    // A guest that did not do what it should, and is there still: nobody knows what it is at.
    if (outcome.verdict !== "passed" && (this.guest.boot || this.guest.starting)) this.guest.spoil();
    // Nobody reads what it says now: it must not keep a core busy while its result is told. `run` waits for its end.
    void this.guest.boot?.stop();
    const result = attemptResult(this, outcome, totalMs);
    this.#events.onFinished(result);
  }
}

function failed(error: FarmError): ScenarioResult {
  return { verdict: verdictOfError(error), error, steps: [], testCases: [] };
}
