import { FarmError } from "../error/farm-error.ts";
import type { Board } from "../schema/board.ts";

/** A file, with the boards in it. */
export interface BoardFile {
  /** For messages. */
  readonly file: string;
  readonly boards: readonly Pick<Board, "metadata">[];
}

/**
 * Of two boards of one name in a folder, nobody could tell which is meant.
 * @throws {FarmError} InvalidDocument that names both files
 */
export function refuseSameName(files: readonly BoardFile[]): void {
  const fileOf = new Map<string, string>();
  for (const { file, boards } of files) {
    for (const { metadata } of boards) {
      const other = fileOf.get(metadata.name);
      if (other !== undefined) {
        const where = other === file ? "above it in the same file" : `in ${other}`;
        throw new FarmError("InvalidDocument", {
          file,
          problems: `${file}: metadata.name: there is a board ${metadata.name} ${where}, too`,
        });
      }
      fileOf.set(metadata.name, file);
    }
  }
}
