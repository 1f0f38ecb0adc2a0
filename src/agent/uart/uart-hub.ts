import type { Socket } from "node:net";
import type { GuestUart } from "../scenario/guest-control.ts";
import { ByteRing } from "./byte-ring.ts";
import { KickSchedule } from "./kick-schedule.ts";
import type { OutputLimit } from "./output-limit.ts";
import { Pen } from "./pen.ts";
import { UartLog } from "./uart-log.ts";
import type { UartPort } from "./uart-port.ts";
import { type UartViewer, type UartViewerSink, type UartViewing, ViewerPosition } from "./uart-viewer.ts";

/** Bytes that a late viewer is shown. */
const REPLAY_BYTES = 64 * 1024;
/** Input that may wait for the guest before viewers are refused. */
const INPUT_BACKLOG_BYTES = 1024 * 1024;

export interface UartHubOptions {
  /** Name of the UART, such as uart0. */
  readonly name: string;
  /** File that the log is written to, once there is something to write. */
  readonly logPath: string;
  readonly outputLimit?: OutputLimit;
  /** A board comes on by itself: what viewers write before its first boot is for that. Else it is refused. */
  readonly awaitsBoot?: boolean;
  /** Told once when the log cannot be written. */
  onLogError?(error: Error): void;
}

/** The emulator's end of the serial line. */
interface Line {
  readonly socket: Socket;
  readonly kicks: KickSchedule | undefined;
}

/**
 * The farm's end of one UART. It outlives boots and emulator processes. Its one reader never stops and never waits:
 * first the scenario's listeners, then the log, then the viewers.
 */
export class UartHub implements UartPort, GuestUart, AsyncDisposable {
  readonly name: string;
  readonly log: UartLog;
  readonly #outputLimit: OutputLimit | undefined;
  readonly #awaitsBoot: boolean;
  readonly #listeners = new Set<(chunk: Buffer) => void>();
  readonly #viewers = new Set<ViewerPosition>();
  readonly #ring = new ByteRing(REPLAY_BYTES);
  readonly #pen = new Pen<ViewerPosition>((holder) => this.#tellWriter(holder));
  #line: Line | undefined;
  #attached = Promise.withResolvers<void>();
  #boot = 0;
  #kicks = 0;
  #staleBytes = 0;
  /** What viewers have written for the first boot. */
  #earlyBytes = 0;
  #isEnded = false;

  constructor(options: UartHubOptions) {
    this.name = options.name;
    this.#outputLimit = options.outputLimit;
    this.#awaitsBoot = options.awaitsBoot ?? false;
    this.log = new UartLog({
      path: options.logPath,
      ...(options.onLogError && { onError: options.onLogError }),
    });
  }

  /** Bytes that the guest has written over all boots. */
  get totalBytes(): number {
    return this.#ring.total;
  }

  /** Bytes that came from an older boot's socket after a newer boot had begun; they were dropped. */
  get staleBytes(): number {
    return this.#staleBytes;
  }

  /** How often the emulator's main loop was made to turn over all boots, for the sake of what was written. */
  get kicks(): number {
    return this.#kicks;
  }

  /** Number of the boot that the newest bytes belong to. */
  get boot(): number {
    return this.#boot;
  }

  get viewerCount(): number {
    return this.#viewers.size;
  }

  attach(socket: Socket, boot: number, kick: (() => void) | undefined): () => void {
    const line: Line = { socket, kicks: kick && new KickSchedule(() => this.#kick(kick)) };
    if (boot >= this.#boot && !this.#isEnded) {
      this.#line?.kicks?.stop();
      this.#line = line;
      this.#boot = boot;
      this.#attached.resolve();
      for (const viewer of this.#viewers) viewer.tell({ type: "boot", boot });
    }
    const onData = (chunk: Buffer) => {
      if (this.#line === line) this.#receive(chunk);
      else this.#staleBytes += chunk.length;
    };
    const unplug = () => {
      socket.off("data", onData);
      socket.off("close", unplug);
      line.kicks?.stop();
      if (this.#line !== line) return;
      this.#unplug();
      for (const viewer of this.#viewers) viewer.tell({ type: "off" });
    };
    socket.on("data", onData);
    // `close` always comes, after an error as well; the boot tells what happened.
    socket.on("close", unplug);
    return unplug;
  }

  replay(chunk: Buffer): void {
    if (!this.#isEnded) this.#receive(chunk);
  }

  onData(listener: (chunk: Buffer) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For the scenario: what is written before the board is on waits for it. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#attached.promise;
    await this.#send(bytes);
  }

  /** Adds a viewer; it is shown the last output first, unless it does not want that. */
  addViewer(sink: UartViewerSink, { isReplayed = true }: UartViewing = {}): UartViewer {
    const viewer = new ViewerPosition(sink, this.#ring, isReplayed ? this.#ring.start : this.#ring.total);
    this.#viewers.add(viewer);
    const holder = this.#pen.holder;
    if (holder) viewer.tell({ type: "writer", writer: holder.sink.label, isYou: false });
    viewer.catchUp();
    // Before its first boot it is not yet on, rather than off.
    if (this.#boot > 0 && !this.#line) viewer.tell({ type: "off" });
    return this.#handleOf(viewer);
  }

  /** The last lines of the output, as text, each cut to a readable length. */
  lastLines(count: number): string[] {
    const lines = this.#ring.read().toString("utf8").split(/\r?\n/);
    if (lines.at(-1) === "") lines.pop();
    return lines.slice(-count).map((line) => (line.length > 400 ? `${line.slice(0, 400)}...` : line));
  }

  /** No more boots, for a reason in words: closes the log and lets every viewer go. */
  end(reason = "the guest has ended"): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#line?.kicks?.stop();
    this.#unplug();
    this.#attached.resolve();
    this.log.close();
    this.#listeners.clear();
    for (const viewer of this.#viewers) viewer.end(reason);
    this.#viewers.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
  }

  #handleOf(viewer: ViewerPosition): UartViewer {
    const isOn = () => this.#line !== undefined;
    return {
      get isOn() {
        return isOn();
      },
      write: (bytes) => this.#writeOf(viewer, bytes),
      usePen: () => this.#pen.use(viewer),
      takePen: () => this.#pen.take(viewer),
      releasePen: () => this.#pen.release(viewer),
      skip: () => viewer.skip(),
      drained: () => viewer.catchUp(),
      [Symbol.dispose]: () => {
        this.#viewers.delete(viewer);
        this.#pen.release(viewer);
      },
    };
  }

  #unplug(): void {
    this.#line = undefined;
    this.#attached.resolve();
    this.#attached = Promise.withResolvers();
  }

  #receive(chunk: Buffer): void {
    this.#line?.kicks?.hurry();
    for (const listener of this.#listeners) listener(chunk);
    this.log.append(chunk);
    this.#ring.push(chunk);
    for (const viewer of this.#viewers) viewer.catchUp(chunk);
    this.#outputLimit?.count(this.name, chunk.length);
  }

  async #writeOf(viewer: ViewerPosition, bytes: Uint8Array): Promise<boolean> {
    if (this.#awaitsBoot && this.#boot === 0) await this.#firstBoot(bytes.length);
    // Who has gone meanwhile keeps nobody else from writing.
    if (!this.#viewers.has(viewer)) return this.#send(bytes);
    const reason = this.#refusal(viewer);
    if (reason === undefined) return this.#send(bytes);
    viewer.tell({ type: "inputRefused", bytes: bytes.length, reason });
    return false;
  }

  /** Settles at the first boot, or where none comes, or at once where too much waits for it already. */
  async #firstBoot(bytes: number): Promise<void> {
    if (this.#earlyBytes + bytes > INPUT_BACKLOG_BYTES) return;
    this.#earlyBytes += bytes;
    await this.#attached.promise;
    this.#earlyBytes -= bytes;
  }

  #refusal(viewer: ViewerPosition): "writer" | "off" | "full" | undefined {
    if (this.#line === undefined) return this.#earlyBytes > 0 ? "full" : "off";
    if (this.#line.socket.writableLength > INPUT_BACKLOG_BYTES) return "full";
    return this.#pen.use(viewer) ? undefined : "writer";
  }

  /** Like a real line, one without a board behind it loses what is written. */
  async #send(bytes: Uint8Array): Promise<boolean> {
    const line = this.#line;
    if (line === undefined || bytes.length === 0) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    line.socket.write(bytes, (error) => resolve(!error));
    line.kicks?.start();
    return promise;
  }

  #kick(kick: () => void): void {
    this.#kicks += 1;
    kick();
  }

  #tellWriter(holder: ViewerPosition | undefined): void {
    const writer = holder?.sink.label ?? null;
    for (const viewer of this.#viewers) viewer.tell({ type: "writer", writer, isYou: viewer === holder });
  }
}
