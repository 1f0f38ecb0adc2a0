import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Board, board } from "../../core/schema/board.ts";
import { parseDocuments } from "../../document/parse-document.ts";

/** Folders of board manifests. */
export interface BoardFiles {
  /** Every board of every folder; of the same name, the one of the later folder comes later. */
  readAll(): Promise<Board[]>;
  /** Writes into the farm's own folder, whole or not at all. */
  write(board: Board): Promise<void>;
}

const MANIFEST = /\.(ya?ml|json)$/;

/** @param ownFolder the farm's own, read last */
export function createBoardFiles(folders: readonly string[], ownFolder: string): BoardFiles {
  const all = [...folders.filter((folder) => folder !== ownFolder), ownFolder];
  return {
    async readAll() {
      const boards = await Promise.all(all.map(readFolder));
      return boards.flat();
    },
    async write(value) {
      await mkdir(ownFolder, { recursive: true });
      const path = join(ownFolder, `${value.metadata.name}.yaml`);
      // JSON is YAML, and keeps every value as it was sent.
      await writeFile(`${path}.part`, `${JSON.stringify(value, null, 2)}\n`, { flush: true });
      await rename(`${path}.part`, path);
    },
  };
}

async function readFolder(folder: string): Promise<Board[]> {
  const boards: Board[] = [];
  for (const name of await namesIn(folder)) {
    const file = join(folder, name);
    boards.push(...parseDocuments(await readFile(file, "utf8"), board, { file }));
  }
  return boards;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => MANIFEST.test(name)).sort();
  } catch (error) {
    // The farm's own folder is made with its first board.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
