const MAX_LINE_BYTES = 1_024;

/** Reads the lines of a person from a stream, whatever its chunks are. Behind one that is too long there are none. */
export class MonitorLines {
  #line = "";
  #isTooLong = false;

  /** A line had no end for so long that nobody can have typed it. */
  get isTooLong(): boolean {
    return this.#isTooLong;
  }

  /** The lines that this chunk completes. Unwanted bytes, such as those of a Telnet negotiation, are a part of theirs. */
  read(chunk: Buffer): string[] {
    if (this.#isTooLong) return [];
    const lines = (this.#line + chunk.toString("latin1")).split(/\r?\n/);
    const isLong = (line: string) => line.length > MAX_LINE_BYTES;
    const end = lines.findIndex((line, at) => isLong(at < lines.length - 1 ? line : line.replace(/\r$/, "")));
    this.#isTooLong = end >= 0;
    this.#line = this.#isTooLong ? "" : (lines.at(-1) ?? "");
    return lines.slice(0, end);
  }
}
