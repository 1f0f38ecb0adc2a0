import type { Level } from "../../core/gpio/gpio-line.ts";
import { VcdWriter } from "../../core/gpio/vcd.ts";
import type { ArtifactWriter } from "../scenario/artifact-sink.ts";
import type { GpioBank } from "./gpio-bank.ts";
import type { EdgeBatch } from "./gpio-edges.ts";

/** Text that is written at once: a guest that changes its pins all the time must not cost a write for each change. */
const FLUSH_CHARACTERS = 64 * 1024;

/**
 * All changes of a board's pins, as a file in the format of the VCD. Boots follow one another on one time axis. What
 * came last is written when it is closed.
 */
export class PinRecording {
  readonly #bank: Pick<GpioBank, "lines" | "level">;
  readonly #file: ArtifactWriter;
  readonly #vcd: VcdWriter;
  #boot = 0;
  /** Where the boot begins on the file's time axis. */
  #beganNs = 0;
  #lastNs = 0;
  #text = "";
  readonly #places: ReadonlyMap<number, number>;

  /** @throws {FarmError} ArtifactLimit, StoreFull */
  constructor(boardName: string, bank: Pick<GpioBank, "lines" | "level">, file: ArtifactWriter) {
    this.#bank = bank;
    this.#file = file;
    this.#vcd = new VcdWriter(
      boardName,
      bank.lines.all.map(({ name, label }) => (label === undefined ? name : `${label}_${name}`)),
    );
    this.#places = new Map(bank.lines.all.map(({ number }, place) => [number, place]));
    this.#text = this.#vcd.header;
  }

  /** @throws {FarmError} ArtifactLimit, StoreFull */
  add(batch: EdgeBatch): void {
    if (batch.boot !== this.#boot) this.#begin(batch);
    for (const { line, level, timeNs } of batch.edges) {
      this.#lastNs = Math.max(this.#lastNs, this.#beganNs + timeNs);
      this.#text += this.#vcd.change(this.#lastNs, this.#places.get(line) ?? 0, level);
    }
    if (this.#text.length >= FLUSH_CHARACTERS) this.#flush();
  }

  /** @throws {FarmError} ArtifactLimit, StoreFull */
  close(): void {
    this.#flush();
    this.#file.close();
  }

  /** A boot's pins begin as they were before its first change. */
  #begin({ boot, edges }: EdgeBatch): void {
    this.#boot = boot;
    this.#beganNs = this.#lastNs;
    const first = new Map<number, Level>();
    for (const { line, level } of edges) if (!first.has(line)) first.set(line, level === 0 ? 1 : 0);
    const levels = this.#bank.lines.all.map(({ number }) => first.get(number) ?? this.#bank.level(number));
    this.#text += this.#vcd.boot(this.#beganNs, boot, levels);
  }

  #flush(): void {
    const text = this.#text;
    this.#text = "";
    this.#file.write(text);
  }
}
