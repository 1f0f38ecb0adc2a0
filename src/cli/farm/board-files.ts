import { readdir, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { refuseSameName } from "../../core/policy/unique-boards.ts";
import type { Surroundings } from "../surroundings.ts";
import { readBoards } from "./documents.ts";
import { readEach } from "./read-each.ts";

/** As the farm reads a folder of boards. */
const MANIFEST = /\.(ya?ml|json)$/;

/** A file of boards, with its path for messages. */
interface BoardFile {
  readonly path: string;
  readonly file: string;
}

/**
 * The file at a path, or those of boards in the folder there.
 * @throws {FarmError} InvalidRequest for a folder without any
 */
export async function boardFilesAt({ cwd }: Surroundings, asWritten: string): Promise<BoardFile[]> {
  const path = resolve(cwd, asWritten);
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  const paths = isFolder ? (await manifestsIn(path)).map((name) => join(path, name)) : [path];
  if (paths.length > 0) return paths.map((one) => ({ path: one, file: relative(cwd, one) }));
  throw new FarmError("InvalidRequest", { problems: `${asWritten} has no file of a board: *.yaml, *.yml or *.json` });
}

/**
 * A folder of more boards for a farm is looked through before anything starts.
 * @throws {FarmError} InvalidRequest where there is no such folder, InvalidDocument
 */
export async function checkBoardFolder({ cwd }: Surroundings, folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) {
    const problem = found ? "it is no folder; put the boards' files into one" : "there is no such folder";
    throw new FarmError("InvalidRequest", { problems: `--boards ${folder}: ${problem}` });
  }
  const files = (await manifestsIn(folder)).map((name) => relative(cwd, join(folder, name)));
  refuseSameName(await readEach(files, async (file) => ({ file, boards: await readBoards(resolve(cwd, file), file) })));
}

async function manifestsIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => MANIFEST.test(name)).sort();
}
