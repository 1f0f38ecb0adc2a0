import type { Writable } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import type { GuestExit } from "../../core/wire/attempt.ts";
import type { DesiredState, InstanceStatus } from "../../core/wire/desired-state.ts";
import type { Log } from "../../log/log.ts";
import type { BootStrategy } from "../boot/boot.ts";
import type { FirmwareSupply, HeldFirmware } from "../firmware/firmware-supply.ts";
import { Progress } from "../progress.ts";
import type { Slot } from "../slot/slot.ts";
import { InstanceDrives } from "../storage/instance-drives.ts";
import { ConsoleCopies } from "./console-copies.ts";
import { Convergence } from "./convergence.ts";
import { GuestSight } from "./guest-sight.ts";
import { InstanceBoard } from "./instance-board.ts";
import { endOf, instanceStatusOf } from "./instance-status.ts";
import type { InstanceRecord } from "./instance-store.ts";
import { InstanceUsage } from "./instance-usage.ts";
import { boardKeyOf, firmwareKeyOf, type InstanceAction, type ObservedInstance, planInstance } from "./plan.ts";
import { RestartBackOff } from "./restart-back-off.ts";

export interface InstanceDependencies {
  readonly boots: BootStrategy;
  readonly firmware: FirmwareSupply;
  readonly log: Log;
  /** Address of raw ports. */
  readonly host: string;
  /** Where output of UARTs is copied to, where the wish says so. */
  readonly console: Writable;
  readonly logFolder: string;
  readonly storageFolder: string;
  /** Writes what must survive the agent. */
  save(record: InstanceRecord): Promise<void>;
  onRestarted(): void;
  /** Its status may have changed. */
  onChanged(): void;
  onHttpOnRawPort(count: number): void;
}

/** Lines that are kept of a guest that has ended. */
const LAST_LINES = 20;

/** One instance: always on its way to what is desired. An idle one does nothing at all. */
export class Instance {
  readonly #dependencies: InstanceDependencies;
  readonly #slot: Slot;
  readonly #life = new Progress();
  readonly #backOff = new RestartBackOff();
  readonly #convergence: Convergence;
  readonly #sight: GuestSight;
  readonly #consoles: ConsoleCopies;
  readonly #usage: InstanceUsage;
  #record: InstanceRecord;
  #board: InstanceBoard | undefined;
  #boardKey: string | undefined;
  #firmware: HeldFirmware | undefined;
  #firmwareKey: string | undefined;
  /** Firmware that is on its way. */
  #loading: Progress | undefined;
  #resetCount = 0;
  #isPauseCarriedOut = false;
  #error: FarmError | undefined;

  constructor(record: InstanceRecord, slot: Slot, dependencies: InstanceDependencies) {
    this.#record = record;
    this.#slot = slot;
    this.#dependencies = dependencies;
    this.#resetCount = record.resetCount;
    const onChanged = () => dependencies.onChanged();
    this.#sight = new GuestSight(onChanged);
    this.#usage = new InstanceUsage(onChanged);
    this.#consoles = new ConsoleCopies(dependencies.console);
    this.#convergence = new Convergence({
      converge: () => this.#converge(),
      onFailed: (error) => this.#failed(error),
      onSettled: onChanged,
    });
    this.#convergence.wake();
  }

  get desired(): DesiredState {
    return this.#record.desired;
  }

  get slot(): Slot {
    return this.#slot;
  }

  /** The board with its channels, once it is built. */
  get board(): InstanceBoard | undefined {
    return this.#board;
  }

  /** A newer wish: stored before it is carried out. */
  async apply(desired: DesiredState): Promise<void> {
    await this.#save({ ...this.#record, desired });
    this.#backOff.reset();
    // What it waits for may never come, and is perhaps not wanted any more.
    this.#loading?.abort(new FarmError("Cancelled", { reason: "a newer wish has come" }));
    this.#convergence.wake();
  }

  /** Somebody uses a channel of it, until the result is disposed of. */
  use(): Disposable {
    return this.#usage.use();
  }

  status(): InstanceStatus {
    return instanceStatusOf({
      record: this.#record,
      board: this.#board,
      isConverging: this.#convergence.isUnderWay,
      isRunning: this.#sight.isRunning,
      isReady: this.#sight.isReady,
      isPaused: this.#sight.isPaused,
      usage: this.#usage,
      error: this.#error,
    });
  }

  /** It is no more here, for a reason in words. */
  async end(reason: string): Promise<void> {
    this.#life.abort(undefined);
    this.#backOff.cancel();
    await this.#convergence[Symbol.asyncDispose]();
    await this.#dismantle(reason);
    this.#firmware?.[Symbol.dispose]();
    this.#life[Symbol.dispose]();
  }

  #observe(): ObservedInstance {
    return {
      boardKey: this.#boardKey,
      firmwareKey: this.#firmwareKey,
      isOn: this.#board?.guest.boot !== undefined,
      // What is wished counts when it changes; in between, a debugger lets the CPU run and stops it.
      isPaused: this.#board?.guest.wasDebugged ? this.#isPauseCarriedOut : this.#sight.isPaused,
      resetCount: this.#resetCount,
      end: endOf(this.#record),
      isRestartDue: this.#backOff.isDue,
    };
  }

  async #converge(): Promise<void> {
    this.#followConsoles();
    for (const action of planInstance(this.desired, this.#observe())) {
      await this.#perform(action);
      this.#dependencies.onChanged();
    }
    this.#error = undefined;
  }

  #failed(error: unknown): void {
    // The newer wish is carried out next.
    if (this.#loading?.signal.reason === error) return;
    this.#error = FarmError.from(error);
    this.#dependencies.log.warn({ err: error, instance: this.desired.uid }, "instance is not as desired");
    this.#backOff.schedule(() => {
      this.#backOff.cancel();
      this.#convergence.wake();
    });
  }

  async #perform(action: InstanceAction): Promise<void> {
    const guest = this.#board?.guest;
    switch (action.type) {
      case "stop":
        return guest?.powerOff();
      case "build":
        return this.#build();
      case "load":
        return this.#load();
      case "start":
        return this.#start(action.isPaused, action.isRestart);
      case "reset":
        return this.#reset();
      case "pause":
        await guest?.pause();
        this.#isPauseCarriedOut = true;
        return;
      case "resume":
        await guest?.resume();
        this.#isPauseCarriedOut = false;
        return;
      case "awaitRestart":
        return this.#backOff.schedule(() => this.#convergence.wake());
    }
  }

  async #build(): Promise<void> {
    const { desired } = this;
    await this.#dismantle("the board is built anew, as its instance has changed");
    const { boots, logFolder, storageFolder, host } = this.#dependencies;
    this.#board = await InstanceBoard.build({
      desired,
      slot: this.#slot,
      boots,
      logFolder,
      drives: await InstanceDrives.open(storageFolder, desired.board.storage ?? []),
      host,
      ports: this.#record.ports,
      use: () => this.use(),
      events: {
        ...this.#sight.events,
        onExited: (exit) => this.#exited(exit),
      },
    });
    this.#boardKey = boardKeyOf(desired);
    // Before the first byte.
    this.#followConsoles();
    const ports = Object.fromEntries(this.#board.rawPorts.map(({ name, rawPort }) => [name, rawPort.port]));
    await this.#save({ ...this.#record, ports });
  }

  async #dismantle(reason: string): Promise<void> {
    const board = this.#board;
    this.#board = undefined;
    this.#boardKey = undefined;
    this.#firmwareKey = undefined;
    if (!board) return;
    this.#dependencies.onHttpOnRawPort(board.rawPorts.reduce((sum, { rawPort }) => sum + rawPort.refusedHttp, 0));
    await board.end(reason);
    this.#consoles[Symbol.dispose]();
  }

  #followConsoles(): void {
    if (this.#board) this.#consoles.follow(this.#board.hubs, this.desired.consoleLog);
  }

  async #load(): Promise<void> {
    const { firmware: reference, urls, board, boardName } = this.desired;
    const key = firmwareKeyOf(this.desired);
    using loading = new Progress(this.#life);
    this.#loading = loading;
    const held = reference && (await this.#dependencies.firmware({ reference, urls, board, boardName }, loading));
    this.#firmware?.[Symbol.dispose]();
    this.#firmware = held;
    this.#firmwareKey = key;
    this.#board?.guest.load(held?.files);
    // What ended was the older firmware.
    if (this.#record.firmwareKey === key) return;
    const isReplaced = this.#record.firmwareKey !== undefined;
    if (isReplaced && this.desired.flash?.erase === "all") await this.#board?.drives.erase();
    const { ended: _ended, firmwareKey: _key, firmware: _digest, ...record } = this.#record;
    // The start that follows stores it: each write of the record is a wait for the disk.
    this.#record = {
      ...record,
      ...(reference && key !== undefined && { firmwareKey: key, firmware: reference.sha256 }),
    };
  }

  async #start(isPaused: boolean, isRestart: boolean): Promise<void> {
    const { resetCount } = this.desired;
    // A restarted agent finds a guest that had ended before: that one stays ended, unless its policy says otherwise.
    if (!isRestart && this.#isLeftEnded(resetCount)) return this.#convergence.wake();
    const { ended: _ended, ...record } = this.#record;
    await this.#save({ ...record, resetCount, restarts: record.restarts + Number(isRestart) });
    if (isRestart) this.#dependencies.onRestarted();
    this.#sight.starting(isPaused);
    this.#isPauseCarriedOut = isPaused;
    this.#resetCount = resetCount;
    this.#backOff.started();
    this.#board?.watchReady();
    await this.#board?.guest.powerOn(isPaused);
  }

  async #reset(): Promise<void> {
    const { resetCount } = this.desired;
    await this.#board?.guest.reset();
    this.#resetCount = resetCount;
    await this.#save({ ...this.#record, resetCount });
  }

  #isLeftEnded(resetCount: number): boolean {
    const { ended, resetCount: doneCount } = this.#record;
    return ended !== undefined && this.#board?.guest.boots === 0 && doneCount === resetCount;
  }

  #exited(exit: GuestExit): void {
    this.#sight.ended();
    // What the farm stopped has not ended by itself.
    const isOwnEnd = exit.reason !== "Stopped";
    const lastExitAt = new Date().toISOString();
    const lastLines = this.#board?.hubs[0]?.lastLines(LAST_LINES) ?? [];
    this.#save({ ...this.#record, lastExit: exit, lastExitAt, lastLines, ...(isOwnEnd && { ended: exit }) })
      .catch((error) => {
        this.#dependencies.log.error(
          { err: error, instance: this.desired.uid },
          "the end of an instance is not stored",
        );
      })
      // Whoever is told of an end finds it after a restart of the agent, too.
      .finally(() => this.#dependencies.onChanged());
    if (isOwnEnd) this.#convergence.wake();
  }

  async #save(record: InstanceRecord): Promise<void> {
    this.#record = record;
    await this.#dependencies.save(record);
  }
}
