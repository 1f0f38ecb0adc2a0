import type { Paint } from "../screen/style.ts";
import { clipped } from "../screen/style.ts";
import type { TerminalSize } from "../screen/terminal-size.ts";

/** What of a line is shown in one column, a moment of time. */
const SIGNS = { low: "▁", high: "▔", rise: "╱", fall: "╲", busy: "█", unknown: " " } as const;

/** Moments that are kept: more than any terminal is wide. */
const MAX_MOMENTS = 1_000;
const MAX_NAME = 20;

interface Track {
  readonly name: string;
  level: 0 | 1 | undefined;
  /** Level when the present moment began. */
  before: 0 | 1 | undefined;
  /** Changes in the present moment. */
  changes: number;
  edges: number;
  readonly signs: string[];
}

/** Lines over time, one row each, as a logic analyser draws them. The newest moment is on the right. */
export class Strip {
  readonly #tracks = new Map<number, Track>();
  #moments = 0;

  /** Shows a line from here on; what it was before is not known. */
  add(number: number, name: string, level: 0 | 1 | undefined): void {
    if (this.#tracks.has(number)) return;
    this.#tracks.set(number, { name, level, before: level, changes: 0, edges: 0, signs: [] });
  }

  has(number: number): boolean {
    return this.#tracks.has(number);
  }

  /** A line has changed so often, and has this level now. */
  change(number: number, level: 0 | 1, edges: number): void {
    const track = this.#tracks.get(number);
    if (!track) return;
    track.level = level;
    track.changes += edges;
    track.edges += edges;
  }

  /** The present moment is over. */
  advance(): void {
    this.#moments = Math.min(this.#moments + 1, MAX_MOMENTS);
    for (const track of this.#tracks.values()) {
      track.signs.push(signOf(track));
      if (track.signs.length > MAX_MOMENTS) track.signs.shift();
      track.before = track.level;
      track.changes = 0;
    }
  }

  /** The rows, as wide and as many as the terminal has room for; the last row says how many lines are left out. */
  draw({ columns, rows }: TerminalSize, paint: Paint): string {
    const tracks = [...this.#tracks].sort(([one], [other]) => one - other).map(([, track]) => track);
    const shown = tracks.slice(0, Math.max(1, rows - 2));
    const names = Math.min(MAX_NAME, Math.max(0, ...shown.map(({ name }) => name.length)));
    const counts = Math.max(0, ...shown.map(({ edges }) => String(edges).length));
    const width = Math.max(1, Math.min(this.#moments, columns - names - counts - 6));
    const text = shown.map((track) => {
      const signs = track.signs.slice(-width).join("").padStart(width);
      const level = track.level === undefined ? "?" : String(track.level);
      return [
        paint("bold", clipped(track.name, names).padEnd(names)),
        track.level === 1 ? paint("green", signs) : signs,
        level,
        paint("dim", String(track.edges).padStart(counts)),
      ].join(" ");
    });
    const rest = tracks.length - shown.length;
    return [...text, ...(rest > 0 ? [paint("dim", `and ${rest} more lines`)] : [])].join("\n");
  }
}

function signOf({ level, before, changes }: Track): string {
  if (changes > 1) return SIGNS.busy;
  if (changes === 1 && before !== undefined) return level === 1 ? SIGNS.rise : SIGNS.fall;
  return level === undefined ? SIGNS.unknown : level === 1 ? SIGNS.high : SIGNS.low;
}
