import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Something that reads bytes of strangers. */
export interface Codec {
  /** Also the folder of its corpus. */
  readonly name: string;
  /** Whether input comes in pieces, which must not matter; else it comes as one. */
  readonly isStream: boolean;
  /** Errors that it may throw. */
  readonly refusals: readonly (abstract new (
    ...args: never[]
  ) => Error)[];
  /** What it makes of the input, or a promise of it; the same for the same bytes in any pieces. */
  read(pieces: Iterable<Buffer>): unknown;
}

const CORPUS = join(import.meta.dirname, "../corpus");

export function corpusFolder({ name }: Pick<Codec, "name">): string {
  return join(CORPUS, name);
}

/** The inputs that are kept, by name. */
export function readCorpus(codec: Pick<Codec, "name">): Map<string, Buffer> {
  const folder = corpusFolder(codec);
  return new Map(
    readdirSync(folder)
      .toSorted()
      .map((file) => [file, readFileSync(join(folder, file))]),
  );
}
