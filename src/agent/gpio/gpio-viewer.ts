import type { Level } from "../../core/gpio/gpio-line.ts";
import type { EdgeBatch } from "./gpio-edges.ts";

/** A viewer with more than this many bytes unsent gets its edges merged until it has caught up. */
export const VIEWER_BACKLOG_BYTES = 256 * 1024;

/** What became of lines whose edges a viewer did not get one by one. */
export interface MergedEdges {
  readonly boot: number;
  readonly clock: "guest" | "host";
  /** coalesced: the viewer asked for it; slow: it did not read. */
  readonly reason: "coalesced" | "slow";
  /** Number of edges that are told here in one. */
  readonly edges: number;
  /** Each line that changed: its level now, how many edges it had, and when the last one was. */
  readonly lines: readonly {
    readonly line: number;
    readonly level: Level;
    readonly edges: number;
    readonly timeNs: number;
  }[];
}

/** A viewer's connection, as the bank needs it. */
export interface GpioViewerSink {
  /** Bytes that were sent and not taken by the network yet. */
  readonly backlogBytes: number;
  edges(batch: EdgeBatch): void;
  merged(merged: MergedEdges): void;
  /** The bank is gone, for a reason in words: nothing more will come. */
  end(reason: string): void;
}

export interface GpioViewerOptions {
  /** Edges are merged for so long before the viewer is told; default: it gets each one. */
  readonly coalesceMs?: number;
}

/** A viewer that the bank knows. */
export interface GpioViewer extends Disposable {
  /** Edges that it did not get one by one. */
  readonly merged: number;
  /** The viewer's connection has room again. */
  drained(): void;
}

type MergedLine = { -readonly [Key in keyof MergedEdges["lines"][number]]: MergedEdges["lines"][number][Key] };

/** One viewer's share of the edges. What it does not take costs no more than one entry for each line. */
export class EdgeViewer implements Disposable {
  readonly #sink: GpioViewerSink;
  readonly #coalesceMs: number | undefined;
  readonly #lines = new Map<number, MergedLine>();
  #pending: Pick<MergedEdges, "boot" | "clock" | "reason"> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #merged = 0;

  constructor(sink: GpioViewerSink, { coalesceMs }: GpioViewerOptions) {
    this.#sink = sink;
    this.#coalesceMs = coalesceMs;
  }

  get merged(): number {
    return this.#merged;
  }

  push(batch: EdgeBatch): void {
    if (this.#coalesceMs === undefined && this.#pending === undefined && !this.#isBehind) {
      this.#sink.edges(batch);
      return;
    }
    if (this.#coalesceMs === undefined && !this.#isBehind) {
      this.#flush();
      this.#sink.edges(batch);
      return;
    }
    this.#merge(batch, this.#isBehind ? "slow" : "coalesced");
    if (this.#coalesceMs === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.drained();
    }, this.#coalesceMs);
  }

  drained(): void {
    if (!this.#isBehind && this.#timer === undefined) this.#flush();
  }

  /** Tells what it has not told, and that nothing more comes. */
  end(reason: string): void {
    this.#flush();
    this.#sink.end(reason);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  get #isBehind(): boolean {
    return this.#sink.backlogBytes > VIEWER_BACKLOG_BYTES;
  }

  #merge({ boot, clock, edges }: EdgeBatch, reason: MergedEdges["reason"]): void {
    if (this.#pending !== undefined && this.#pending.boot !== boot) this.#lines.clear();
    this.#pending = { boot, clock, reason: this.#pending?.reason === "slow" ? "slow" : reason };
    this.#merged += edges.length;
    for (const { line, level, timeNs } of edges) {
      const known = this.#lines.get(line);
      if (known) {
        known.level = level;
        known.edges += 1;
        known.timeNs = timeNs;
      } else this.#lines.set(line, { line, level, edges: 1, timeNs });
    }
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const lines = [...this.#lines.values()];
    this.#lines.clear();
    this.#sink.merged({ ...pending, edges: lines.reduce((sum, { edges }) => sum + edges, 0), lines });
  }
}
