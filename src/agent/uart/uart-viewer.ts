import type { UartNotice } from "../../core/wire/uart-message.ts";
import type { ByteRing } from "./byte-ring.ts";

/**
 * A viewer with more than this many bytes unsent gets nothing more until it has caught up. Bytes of a UART come in
 * pieces of a few, and each unsent piece takes a hundred times its size: a larger limit would cost far more than it says.
 */
export const VIEWER_BACKLOG_BYTES = 64 * 1024;

/** A viewer's connection, as the hub needs it. */
export interface UartViewerSink {
  /** Shown to others as the writer's name. */
  readonly label: string;
  /** Bytes that were sent and not taken by the network yet. */
  readonly backlogBytes: number;
  send(chunk: Buffer): void;
  notice(notice: UartNotice): void;
  /** The hub is gone, for a reason in words: nothing more will come. */
  end(reason: string): void;
}

/** How somebody wants to view a UART. */
export interface UartViewing {
  /** Whether the last output is shown first; default true. */
  readonly isReplayed?: boolean;
}

/** A viewer that the hub knows. */
export interface UartViewer extends Disposable {
  /** The board is on: somebody may hear what is written. */
  readonly isOn: boolean;
  /**
   * Writes to the guest, if nobody else is writing. Settles when the line has taken the bytes; says whether they went
   * out. What is refused is told to the viewer's sink.
   */
  write(bytes: Uint8Array): Promise<boolean>;
  /** True when it may do to the board what one who writes may: by writing nobody else is the one who writes now. */
  usePen(): boolean;
  /** Becomes the one who writes. */
  takePen(): void;
  /** Writes no more, and leaves it to others. */
  releasePen(): void;
  /** What was not sent yet is not wanted. */
  skip(): void;
  /** The viewer's connection has room again. */
  drained(): void;
}

/** One viewer's place in the output. It pulls from the ring, so it holds no memory of its own. */
export class ViewerPosition {
  readonly sink: UartViewerSink;
  readonly #ring: ByteRing;
  /** What it was not told because it was behind: of each kind, the latest. */
  readonly #untold = new Map<UartNotice["type"], UartNotice>();
  #position: number;

  constructor(sink: UartViewerSink, ring: ByteRing, position: number) {
    this.sink = sink;
    this.#ring = ring;
    this.#position = position;
  }

  /** Its connection holds so much that it gets nothing more for now. */
  get isBehind(): boolean {
    return this.sink.backlogBytes > VIEWER_BACKLOG_BYTES;
  }

  /**
   * Tells it at once, or once it has caught up: one that does not read must not pile up what it is told. What became
   * of its own input it hears at once or never.
   */
  tell(notice: UartNotice): void {
    if (!this.isBehind) this.sink.notice(notice);
    else if (notice.type !== "inputRefused") this.#untold.set(notice.type, notice);
  }

  /** Goes on with what comes from now on. */
  skip(): void {
    this.#position = this.#ring.total;
  }

  /** Nothing more will come: it gets what it has not seen, which is no more than the ring holds, however far behind it is. */
  end(reason: string): void {
    this.#sendUnseen();
    this.sink.end(reason);
  }

  /** Sends what the viewer has not seen, unless it is too far behind; `chunk` is the newest part of the ring. */
  catchUp(chunk?: Buffer): void {
    if (!this.isBehind) this.#sendUnseen(chunk);
  }

  #sendUnseen(chunk?: Buffer): void {
    const { sink } = this;
    const ring = this.#ring;
    for (const notice of this.#untold.values()) sink.notice(notice);
    this.#untold.clear();
    if (this.#position >= ring.total) return;
    if (chunk !== undefined && this.#position === ring.total - chunk.length) {
      this.#position = ring.total;
      sink.send(chunk);
      return;
    }
    if (this.#position < ring.start) {
      sink.notice({ type: "gap", bytes: ring.start - this.#position });
      this.#position = ring.start;
    }
    const missed = ring.read(this.#position);
    this.#position = ring.total;
    sink.send(missed);
  }
}
