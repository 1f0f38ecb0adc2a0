import { FarmError } from "../../core/error/farm-error.ts";
import { type GpioLine, GpioLines, type Level, lineInWords } from "../../core/gpio/gpio-line.ts";
import type { BoardGpio } from "../../core/schema/board-gpio.ts";
import type { GuestUart } from "../scenario/guest-control.ts";
import type { DriverNeeds } from "./connect-driver.ts";
import { type DriverEdge, type GpioAbilities, type GpioLink, gpioAbilities } from "./gpio-driver.ts";
import type { EdgeBatch, GpioEdge } from "./gpio-edges.ts";
import type { GpioPlug, GpioPort, GpioSocket } from "./gpio-port.ts";
import { EdgeViewer, type GpioViewer, type GpioViewerOptions, type GpioViewerSink } from "./gpio-viewer.ts";
import { PluggedBoot } from "./plugged-boot.ts";

/** What viewers are told where nobody says why. */
const ENDED = "the guest has ended";

export interface GpioBankOptions {
  readonly boardName: string;
  /** Undefined: the board has no pins that can be reached. */
  readonly gpio: BoardGpio | undefined;
  /** True where pins are watched from each guest's first instruction; else from when somebody asks. */
  readonly isWanted: boolean;
  /** Lines that must be seen: where an emulator can watch one port only, it is theirs. */
  readonly wanted?: readonly GpioLine[] | undefined;
  /** UART that carries the line protocol. */
  readonly uart?: GuestUart | undefined;
}

/** What came through a bank, over all its boots. */
export interface GpioCounters {
  /** Changes of a level, by the guest or from outside. */
  readonly edges: number;
  /** Levels that were driven from outside. */
  readonly drives: number;
  /** What drivers told that was no change, or of no line of the board. */
  readonly ignored: number;
  /** Lines of raw connections that were none, or asked for what the board cannot do. */
  readonly refused: number;
  /** Edges of an older boot, which were dropped. */
  readonly stale: number;
  /** Edges that viewers did not get one by one, because they asked for that or were too slow. */
  readonly merged: number;
}

/**
 * The pins of a board. It belongs to an attempt or an instance and outlives boots and emulator processes: what is
 * driven from outside stays driven over resets and power cycles, as a finger on a button does. A level is always what
 * the last edge has told.
 */
export class GpioBank implements GpioPort, AsyncDisposable {
  readonly lines: GpioLines;
  readonly needs: DriverNeeds | undefined;
  readonly #options: GpioBankOptions;
  readonly #levels = new Map<number, Level>();
  readonly #driven = new Map<number, Level>();
  /** Lines that the guest of this boot has changed. */
  readonly #guestDriven = new Set<number>();
  /** Levels that an emulator is being told: some tell them back as changes of their own. */
  readonly #underway = new Map<number, Level>();
  readonly #listeners = new Set<(batch: EdgeBatch) => void>();
  readonly #viewers = new Set<EdgeViewer>();
  readonly #pulses = new Map<number, NodeJS.Timeout>();
  #plugged: PluggedBoot | undefined;
  #abilities: GpioAbilities | undefined;
  #boot = 0;
  #isEnded = false;
  #counters = { edges: 0, drives: 0, ignored: 0, refused: 0, stale: 0 };
  #mergedOfGone = 0;

  constructor(options: GpioBankOptions) {
    this.#options = options;
    this.lines = new GpioLines(options.boardName, options.gpio);
    const { gpio, wanted = [], uart } = options;
    this.needs = gpio && { gpio, lines: this.lines.all, wanted, uart };
    for (const { number, idle } of this.lines.all) if (idle !== undefined) this.#driven.set(number, idle);
  }

  /** True also where somebody looks on already. */
  get isWanted(): boolean {
    return this.needs !== undefined && (this.#options.isWanted || this.#viewers.size > 0 || this.#listeners.size > 0);
  }

  /** What can be done with the board's pins, by the emulator of its newest boot; undefined: it has none. */
  get abilities(): GpioAbilities | undefined {
    const { gpio } = this.#options;
    return this.#abilities ?? (gpio && gpioAbilities(gpio, { isFarmEmulator: false }));
  }

  /** Number of the newest boot. */
  get boot(): number {
    return this.#boot;
  }

  /** True while a guest's pins are connected. */
  get isConnected(): boolean {
    return this.#plugged?.link !== undefined;
  }

  get counters(): GpioCounters {
    const merged = [...this.#viewers].reduce((sum, viewer) => sum + viewer.merged, this.#mergedOfGone);
    return { ...this.#counters, merged };
  }

  get viewerCount(): number {
    return this.#viewers.size;
  }

  /** Level of a line by its number; undefined: nobody knows yet. A driver that observes levels only is asked by `read`. */
  level(line: number): Level | undefined {
    return this.#levels.get(line);
  }

  /** Level that a line is driven to from outside, if it is. */
  driven(line: number): Level | undefined {
    return this.#driven.get(line);
  }

  /** Whether the guest has changed a line since its boot began: it drives it, whoever else does. */
  isGuestDriven(line: number): boolean {
    return this.#guestDriven.has(line);
  }

  /**
   * The level of a line now, by number or name; undefined: it cannot be known yet.
   * @throws {FarmError} UnknownPin, NotSupportedHere, PinsFailed
   */
  async read(pin: number | string): Promise<Level | undefined> {
    const line = this.lines.find(pin);
    await this.connect();
    const link = this.#plugged?.link;
    if (link?.read && line.isOutput)
      this.#take([{ line: line.number, level: await link.read(line), timeNs: undefined }]);
    // Who asks has seen the guest do something, and edges may be on their way by another socket.
    else await link?.settle?.();
    return this.#levels.get(line.number);
  }

  /**
   * Drives a line from outside, by number or name, until it is driven otherwise. Settles when the emulator has taken it;
   * while the board is off it is kept for its next boot.
   * @throws {FarmError} UnknownPin, PinNotDrivable, PinsFailed
   */
  async drive(pin: number | string, level: Level): Promise<void> {
    const line = this.lines.find(pin);
    if (!line.isInput) {
      throw new FarmError("PinNotDrivable", { pin: lineInWords(line), board: this.#options.boardName });
    }
    clearTimeout(this.#pulses.get(line.number));
    this.#pulses.delete(line.number);
    await this.#drive(line, level);
  }

  /**
   * Drives a line for a time, then back to what it was: its level before, or the opposite where it had none. Settles
   * when the pulse has begun; another drive of the same line ends it.
   * @throws {FarmError} UnknownPin, PinNotDrivable, PinsFailed
   */
  async pulse(pin: number | string, level: Level, durationMs: number): Promise<void> {
    const line = this.lines.find(pin);
    const before = this.#driven.get(line.number);
    const after: Level = before === undefined || before === level ? opposite(level) : before;
    await this.drive(pin, level);
    const timer = setTimeout(() => {
      this.#pulses.delete(line.number);
      // The board may have gone since: nobody waits for the end of a pulse, and the level is kept for the next boot.
      this.#drive(line, after).catch(() => {});
    }, durationMs);
    this.#pulses.set(line.number, timer);
  }

  /** Settles when all that the guest has done until now has been told, or can be told no more. */
  async settle(): Promise<void> {
    try {
      await this.#plugged?.link?.settle?.();
    } catch {
      // An emulator that has gone, or hangs, tells nothing any more.
    }
  }

  /** Somebody outside sent lines that were none, or that asked for what the board cannot do. */
  countRefused(lines: number): void {
    this.#counters.refused += lines;
  }

  /** Every edge, in order, called at once and synchronously. Returns how to stop. */
  onEdges(listener: (batch: EdgeBatch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Adds a viewer from outside, which may be slow. */
  addViewer(sink: GpioViewerSink, options: GpioViewerOptions = {}): GpioViewer {
    const viewer = new EdgeViewer(sink, options);
    if (this.#isEnded) sink.end(ENDED);
    else this.#viewers.add(viewer);
    return {
      drained: () => viewer.drained(),
      get merged() {
        return viewer.merged;
      },
      [Symbol.dispose]: () => {
        if (this.#viewers.delete(viewer)) this.#mergedOfGone += viewer.merged;
        viewer[Symbol.dispose]();
      },
    };
  }

  /**
   * Connects the pins of the running guest where they are not yet; nothing while the board is off.
   * @throws {FarmError} PinsFailed, NotSupportedHere
   */
  async connect(): Promise<void> {
    if (this.#options.gpio) await this.#plugged?.connect({ isFromStart: false });
  }

  attach(boot: number, socket: GpioSocket): GpioPlug {
    const { abilities } = socket;
    const plugged: PluggedBoot = new PluggedBoot({
      clock: abilities.timestamps ? "guest" : "host",
      connect: () =>
        socket.connect((edges) => {
          if (this.#plugged === plugged) this.#take(edges);
          else this.#counters.stale += edges.length;
        }),
      onConnected: (isFromStart) => this.#connected(plugged, isFromStart),
    });
    this.#unplug();
    this.#plugged = plugged;
    this.#abilities = abilities;
    this.#boot = boot;
    return {
      isConnected: () => plugged.link !== undefined,
      connect: () => plugged.connect({ isFromStart: true }),
      beforeReset: async () => {
        await plugged.link?.renew?.();
        this.#lower();
      },
      afterReset: async () => {
        if (plugged.link) await this.#driveAll(plugged.link);
      },
      unplug: () => {
        if (this.#plugged === plugged) this.#unplug();
        plugged[Symbol.dispose]();
      },
    };
  }

  /** No more boots, for a reason in words: lets every viewer go. */
  end(reason = ENDED): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#plugged = undefined;
    for (const timer of this.#pulses.values()) clearTimeout(timer);
    this.#pulses.clear();
    this.#listeners.clear();
    for (const viewer of this.#viewers) {
      viewer.end(reason);
      this.#mergedOfGone += viewer.merged;
    }
    this.#viewers.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
  }

  async #connected(plugged: PluggedBoot, isFromStart: boolean): Promise<void> {
    const { link } = plugged;
    if (!link || this.#plugged !== plugged) return;
    if (!isFromStart) return this.#driveAll(link);
    // A guest that has not begun drives nothing.
    for (const line of this.lines.all) {
      if (line.isOutput && link.observes(line) && !this.#driven.has(line.number)) this.#levels.set(line.number, 0);
    }
  }

  /** A guest's pins begin as nobody has driven them; what is driven from outside is so before its first instruction. */
  async #driveAll(link: GpioLink): Promise<void> {
    await Promise.all(
      [...this.#driven].map(async ([number, level]) => {
        const line = this.lines.at(number);
        if (!line?.isInput) return;
        await this.#tell(link, line, level);
        this.#take([{ line: number, level, timeNs: undefined }], "outside");
      }),
    );
  }

  async #drive(line: GpioLine, level: Level): Promise<void> {
    this.#driven.set(line.number, level);
    this.#counters.drives += 1;
    const plugged = this.#plugged;
    if (!plugged) return;
    await plugged.connect({ isFromStart: false });
    const { link } = plugged;
    if (!link) return;
    const time = link.guestTimeNs?.();
    await this.#tell(link, line, level);
    const timeNs = await time;
    if (this.#plugged === plugged) this.#take([{ line: line.number, level, timeNs }], "outside");
  }

  async #tell(link: GpioLink, line: GpioLine, level: Level): Promise<void> {
    this.#underway.set(line.number, level);
    try {
      await link.drive(line, level);
    } finally {
      this.#underway.delete(line.number);
    }
  }

  /** The guest has gone, or was reset: what it held up falls, what is driven from outside stays. */
  #lower(): void {
    const raised = [...this.#levels].filter(([line, level]) => level === 1 && !this.#driven.has(line));
    this.#take(raised.map(([line]) => ({ line, level: 0, timeNs: undefined })));
    this.#guestDriven.clear();
  }

  #unplug(): void {
    this.#lower();
    for (const line of this.#levels.keys()) if (!this.#driven.has(line)) this.#levels.delete(line);
    this.#plugged = undefined;
  }

  #take(told: readonly DriverEdge[], by: GpioEdge["by"] = "guest"): void {
    const clock = this.#plugged;
    if (!clock) {
      this.#counters.ignored += told.length;
      return;
    }
    const edges: GpioEdge[] = [];
    for (const { line, level, timeNs } of told) {
      const isChange = this.#levels.get(line) !== level && this.lines.at(line) !== undefined;
      if (!isChange) {
        this.#counters.ignored += 1;
        continue;
      }
      this.#levels.set(line, level);
      const who = this.#underway.get(line) === level ? "outside" : by;
      if (who === "guest") this.#guestDriven.add(line);
      edges.push({ line, level, timeNs: clock.timeOf(timeNs), by: who });
    }
    if (edges.length === 0) return;
    this.#counters.edges += edges.length;
    const batch: EdgeBatch = { boot: this.#boot, clock: clock.clock, edges };
    for (const listener of this.#listeners) listener(batch);
    for (const viewer of this.#viewers) viewer.push(batch);
  }
}

function opposite(level: Level): Level {
  return level === 0 ? 1 : 0;
}
