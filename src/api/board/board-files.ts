import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { refuseSameName } from "../../core/policy/unique-boards.ts";
import { type Board, board } from "../../core/schema/board.ts";
import { parseDocuments } from "../../document/parse-document.ts";

/** Folders of board manifests. */
export interface BoardFiles {
  /** Boards of the folders that the farm was started with; of the same name, the one of the later folder comes later. */
  readGiven(): Promise<Board[]>;
  /** Boards of the farm's own folder. */
  readOwn(): Promise<Board[]>;
  /** Writes into the farm's own folder, whole or not at all. */
  write(board: Board): Promise<void>;
  /**
   * Removes the file of a board from the farm's own folder.
   * @throws {FarmError} Conflict where the file has other boards, too
   */
  remove(name: string): Promise<void>;
}

const MANIFEST = /\.(ya?ml|json)$/;

/** @param ownFolder the farm's own, read last */
export function createBoardFiles(folders: readonly string[], ownFolder: string): BoardFiles {
  const given = folders.filter((folder) => folder !== ownFolder);
  return {
    async readGiven() {
      const files = await Promise.all(given.map(readFolder));
      return files.flat().flatMap(({ boards }) => boards);
    },
    async readOwn() {
      return (await readFolder(ownFolder)).flatMap(({ boards }) => boards);
    },
    async write(value) {
      await mkdir(ownFolder, { recursive: true });
      const path = join(ownFolder, `${value.metadata.name}.yaml`);
      // JSON is YAML, and keeps every value as it was sent.
      await writeFile(`${path}.part`, `${JSON.stringify(value, null, 2)}\n`, { flush: true });
      await rename(`${path}.part`, path);
    },
    async remove(name) {
      const all = await readFolder(ownFolder);
      for (const { file, boards } of all.filter((one) => one.boards.some(({ metadata }) => metadata.name === name))) {
        if (boards.length > 1) {
          const problem = `${file} has other boards, too; take it out there, and start the farm again`;
          throw new FarmError("Conflict", { what: `Removing board ${name}`, problem });
        }
        await rm(file);
      }
    },
  };
}

interface BoardFile {
  readonly file: string;
  readonly boards: readonly Board[];
}

async function readFolder(folder: string): Promise<BoardFile[]> {
  const files: BoardFile[] = [];
  for (const name of await namesIn(folder)) {
    const file = join(folder, name);
    files.push({ file, boards: parseDocuments(await readFile(file, "utf8"), board, { file }) });
  }
  refuseSameName(files);
  return files;
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
