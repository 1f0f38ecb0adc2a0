import type { FarmError } from "../../core/error/farm-error.ts";
import type { DecidingText } from "../../core/policy/deciding-text.ts";
import type { BoardSpec, UartSpec } from "../../core/schema/board.ts";
import type { GuestExit } from "../../core/wire/attempt.ts";
import type { Boot, BootRequest, BootStrategy, FirmwareFiles } from "../boot/boot.ts";
import { serialChardev } from "../emulator/emulator-arguments.ts";
import type { HeldFirmware } from "../firmware/firmware-supply.ts";
import type { GpioPort } from "../gpio/gpio-port.ts";
import type { Progress } from "../progress.ts";
import { QmpProxy, type QmpProxyTarget } from "../qmp/qmp-proxy.ts";
import type { Slot } from "../slot/slot.ts";
import type { DriveFile } from "../storage/instance-drives.ts";
import type { UartHub } from "../uart/uart-hub.ts";
import { GuestWatchers } from "./guest-watchers.ts";
import { PauseNews } from "./pause-news.ts";
import { startOf } from "./running-boot.ts";

export interface GuestOptions {
  readonly boots: BootStrategy;
  readonly tenant: string;
  readonly strategy: BootRequest["strategy"];
  readonly slot: Slot;
  readonly boardName: string;
  readonly board: BoardSpec;
  readonly network: "none" | "isolated" | "egress";
  readonly onReset: "continue" | "end";
  readonly maxResets: number;
  /** It is turned on as soon as its firmware is here. */
  readonly awaitsFirmware?: boolean;
  /** Flash, fuses and card that keep what the guest writes. */
  readonly drives?: readonly DriveFile[];
  /** Something will be timed by the guest's own clock. */
  readonly needsGuestTime?: boolean;
  /** What the guest says by semihosting will be looked at. */
  readonly needsSemihosting?: boolean;
  /** Somebody will look at the board's display. */
  readonly hasDisplay?: boolean;
  /** With it, its test is decided. */
  readonly decidingText?: DecidingText | undefined;
  /** One for each channel of text of the board, in their order (`textChannels`). */
  readonly hubs: readonly UartHub[];
  readonly gpio: GpioPort;
  /** Its end ends the guest's start. */
  readonly progress: Progress;
  readonly events: GuestEvents;
}

/** Told as it happens; none of them may throw. */
export interface GuestEvents {
  /** A boot begins. */
  onStarting?(): void;
  /** The emulator of a boot has been started. */
  onStarted?(): void;
  /** The emulator's QMP has answered. */
  onRunning?(): void;
  /** A boot could not become running. */
  onStartFailed?(error: FarmError): void;
  onExited?(exit: GuestExit): void;
  /** The start waits for this; undefined: it goes on. */
  onStartWaits?(what: string | undefined): void;
  onPaused?(): void;
  onResumed?(): void;
}

/** A board in a slot, through all its boots. What is asked of it happens in order. */
export class Guest implements AsyncDisposable {
  /** QMP for clients from outside, through all boots. */
  readonly qmpProxy = new QmpProxy(() => startOf(this));
  readonly #options: GuestOptions;
  #firmware: FirmwareFiles | undefined;
  #boot: Boot | undefined;
  #starting: PromiseWithResolvers<void> | undefined;
  /** A boot that has ended and may hold something of the slot still. */
  #endedBoot: Boot | undefined;
  #boots = 0;
  #debuggedBoot = 0;
  #resetsOfOldBoots = 0;
  #exit = Promise.withResolvers<GuestExit>();
  #lastExit: GuestExit | undefined;
  #lastAction: Promise<unknown> = Promise.resolve();
  readonly #pauseNews: PauseNews;
  readonly #watchers: GuestWatchers;
  #held: Disposable | undefined;
  /** Nothing of the emulator that is being started may serve another guest. */
  #isStartSpoiled = false;

  constructor(options: GuestOptions) {
    this.#options = options;
    if (options.awaitsFirmware) this.#starting = Promise.withResolvers();
    this.#watchers = new GuestWatchers(options.events);
    const { tell } = this.#watchers;
    this.#pauseNews = new PauseNews((isPaused) => (isPaused ? tell.onPaused() : tell.onResumed()));
  }

  /** What the board is. */
  get board(): BoardSpec {
    return this.#options.board;
  }

  get boardName(): string {
    return this.#options.boardName;
  }

  /** The boot that runs; undefined when the board is off. */
  get boot(): Boot | undefined {
    return this.#boot;
  }

  /** Settles once the board is on, or could not be turned on; undefined while nothing turns it on. */
  get starting(): Promise<void> | undefined {
    return this.#starting?.promise;
  }

  /** What the board runs, or will. */
  get firmware(): FirmwareFiles | undefined {
    return this.#firmware;
  }

  get slot(): Slot {
    return this.#options.slot;
  }

  /** A debugger comes: its steps are told as one pause. Returns how to tell that it has gone. */
  beginDebugging(): () => void {
    this.#debuggedBoot = this.#boots;
    return this.#pauseNews.beginDebugging();
  }

  /** A debugger has come to this boot: whether its CPU stands is the debugger's word. */
  get wasDebugged(): boolean {
    return this.#boot !== undefined && this.#debuggedBoot === this.#boots;
  }

  get boots(): number {
    return this.#boots;
  }

  get resets(): number {
    return this.#resetsOfOldBoots + (this.#boot?.resets ?? 0);
  }

  /** How the last boot ended; undefined while the first one runs. */
  get lastExit(): GuestExit | undefined {
    return this.#lastExit;
  }

  /** How the newest boot was made; undefined before the first. */
  get emulator(): Pick<Boot, "emulator" | "strategy"> | undefined {
    return this.#boot ?? this.#endedBoot;
  }

  /** Nothing of this guest's emulator may serve another one. */
  spoil(): void {
    if (!this.#boot && this.#starting) this.#isStartSpoiled = true;
    this.#boot?.spoil();
    this.#endedBoot?.spoil();
  }

  /** What the next boot runs. */
  load(firmware: FirmwareFiles | undefined): void {
    this.#firmware = firmware;
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
  }

  /** The same with files that stay where they are for as long as the guest needs them. */
  loadHeld(held: HeldFirmware): void {
    this.load(held.files);
    this.#held = held;
  }

  /** Tells somebody else of what happens. Returns how to stop. */
  watch(events: GuestEvents): () => void {
    return this.#watchers.watch(events);
  }

  /** How the current boot ends, or the next one where the board was never on; a power-on makes a new promise. */
  exited(): Promise<GuestExit> {
    return this.#exit.promise;
  }

  powerOn(isPaused = false): Promise<void> {
    return this.#inOrder(() => this.#start(isPaused));
  }

  powerOff(): Promise<void> {
    return this.#inOrder(() => this.#stop());
  }

  powerCycle(isPaused = false): Promise<void> {
    return this.#inOrder(() => this.#restart(isPaused));
  }

  /** Resets the board, by a restart where the emulator cannot reset its CPU; one that is off stays off. */
  reset(): Promise<void> {
    return this.#inOrder(async () => {
      if (!this.#boot) return;
      if (this.#options.board.emulator.reset === "system") await this.#boot.reset();
      else await this.#restart(false);
    });
  }

  pause(): Promise<void> {
    return this.#inOrder(async () => this.#boot?.pause());
  }

  resume(): Promise<void> {
    return this.#inOrder(async () => this.#boot?.resume());
  }

  /** Tells a UART of a break on its line. A board that is off hears nothing. */
  sendBreak({ index }: Pick<UartSpec, "index">): Promise<void> {
    return this.#inOrder(async () => {
      await this.#boot?.qmp.execute("chardev-send-break", { id: serialChardev(index) });
    });
  }

  /** Ends the guest, whatever is under way. The slot is empty afterwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inOrder(async () => {
      await this.#stop();
      await this.#endedBoot?.[Symbol.asyncDispose]();
    });
    this.#startIsOver();
    this.qmpProxy[Symbol.dispose]();
    this.#held?.[Symbol.dispose]();
  }

  async #start(isPaused: boolean): Promise<void> {
    if (this.#boot) return;
    await this.#starts(() => this.#beginBoot(isPaused));
  }

  async #restart(isPaused: boolean): Promise<void> {
    await this.#starts(async () => {
      await this.#stop();
      await this.#beginBoot(isPaused);
    });
  }

  async #starts(action: () => Promise<void>): Promise<void> {
    this.#starting ??= Promise.withResolvers();
    await action().finally(() => this.#startIsOver());
  }

  async #beginBoot(isPaused: boolean): Promise<void> {
    const { events, hubs, boots, progress, ...board } = this.#options;
    const { tell } = this.#watchers;
    await this.#endedBoot?.[Symbol.asyncDispose]();
    this.#endedBoot = undefined;
    if (this.#lastExit) this.#exit = Promise.withResolvers();
    this.#boots += 1;
    this.#pauseNews.reset();
    tell.onStarting();
    const boot = await boots.boot(
      {
        ...board,
        boot: this.#boots,
        firmware: this.#firmware,
        isPaused,
        uarts: hubs,
        events: {
          ...(events.onStartWaits && { onStartWaits: events.onStartWaits }),
          onPaused: () => this.#pauseNews.set(true),
          onResumed: () => this.#pauseNews.set(false),
        },
      },
      progress,
    );
    this.#boot = boot;
    if (this.#isStartSpoiled) boot.spoil();
    tell.onStarted();
    boot.running.then(
      () => {
        if (this.#boot === boot) this.qmpProxy.plug(targetOf(boot));
        tell.onRunning();
      },
      (error) => tell.onStartFailed(error),
    );
    void boot.exited.then((exit) => this.#ended(boot, exit));
  }

  #ended(boot: Boot, exit: GuestExit): void {
    if (this.#boot !== boot) return;
    this.#boot = undefined;
    this.#pauseNews.reset();
    this.#endedBoot = boot;
    this.#resetsOfOldBoots += boot.resets;
    this.#lastExit = exit;
    this.qmpProxy.unplug(boot.number, exit);
    this.#exit.resolve(exit);
    this.#watchers.tell.onExited(exit);
  }

  #startIsOver(): void {
    this.#starting?.resolve();
    this.#starting = undefined;
    this.#isStartSpoiled = false;
  }

  async #stop(): Promise<void> {
    const boot = this.#boot;
    if (!boot) return;
    const exit = await boot.stop();
    this.#ended(boot, exit);
  }

  /** One action at a time; a failed one does not hold up the next. */
  #inOrder<Value>(action: () => Promise<Value>): Promise<Value> {
    const result = this.#lastAction.then(action, action);
    this.#lastAction = result;
    // Whoever asked gets the failure from `result`.
    result.catch(() => {});
    return result;
  }
}

function targetOf(boot: Boot): QmpProxyTarget {
  return { session: boot.qmp, boot: boot.number, spoil: () => boot.spoil() };
}
