import type { Level } from "./gpio-line.ts";

/** Characters that identifiers of variables are made of (IEEE 1364, "Value change dump files"). */
const FIRST_CHARACTER = 33;
const CHARACTERS = 94;

/** A value change dump of lines, in nanoseconds: what GTKWave, PulseView and their like open. */
export class VcdWriter {
  /** What the file begins with. */
  readonly header: string;
  readonly #identifiers: readonly string[];
  readonly #bootIdentifier: string;
  #timeNs: number | undefined;

  constructor(scope: string, names: readonly string[]) {
    this.#identifiers = names.map((_, place) => identifierOf(place));
    this.#bootIdentifier = identifierOf(names.length);
    this.header = [
      "$version emufarm $end",
      "$timescale 1 ns $end",
      `$scope module ${wordOf(scope)} $end`,
      ...names.map((name, place) => `$var wire 1 ${this.#identifiers[place]} ${wordOf(name)} $end`),
      `$var integer 32 ${this.#bootIdentifier} boot $end`,
      "$upscope $end",
      "$enddefinitions $end",
      "",
    ].join("\n");
  }

  /** A boot begins; undefined: nobody knows the level. */
  boot(timeNs: number, boot: number, levels: readonly (Level | undefined)[]): string {
    const values = levels.map((level, place) => `${level ?? "x"}${this.#identifiers[place]}`);
    const isFirst = this.#timeNs === undefined;
    const dump = [`b${boot.toString(2)} ${this.#bootIdentifier}`, ...values];
    return this.#at(timeNs) + [...(isFirst ? ["$dumpvars"] : []), ...dump, ...(isFirst ? ["$end"] : []), ""].join("\n");
  }

  /** A line changes; times never go back. */
  change(timeNs: number, place: number, level: Level): string {
    return `${this.#at(timeNs)}${level}${this.#identifiers[place]}\n`;
  }

  #at(timeNs: number): string {
    if (timeNs === this.#timeNs) return "";
    this.#timeNs = timeNs;
    return `#${timeNs}\n`;
  }
}

function identifierOf(place: number): string {
  const last = String.fromCharCode(FIRST_CHARACTER + (place % CHARACTERS));
  return place < CHARACTERS ? last : identifierOf(Math.floor(place / CHARACTERS) - 1) + last;
}

/** Readers take white space for the end of a name, and a dot for a level of the hierarchy. */
function wordOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, "_");
}
