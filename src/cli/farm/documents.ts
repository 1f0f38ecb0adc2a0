import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { nearestName } from "../../core/policy/nearest-name.ts";
import { type Board, type BoardSpec, board } from "../../core/schema/board.ts";
import { type RunFile, runFile } from "../../core/schema/run.ts";
import { type Scenario, scenario } from "../../core/schema/scenario.ts";
import { parseDocument, parseDocuments } from "../../document/parse-document.ts";
import { farmFolders } from "../folders.ts";
import { isBoardFile } from "../run/board-argument.ts";
import type { Surroundings } from "../surroundings.ts";
import { readDiagramBeside, sourceOfPlace } from "./diagram-beside.ts";
import { withPictures } from "./pictures-beside.ts";

/**
 * A board from its YAML file.
 * @param file the path as the caller wrote it, for errors; likewise below
 * @throws {FarmError} NotFound, InvalidDocument; likewise below
 */
export function readBoardFile(path: string, file: string): Promise<Board> {
  return readDocument(path, file, board);
}

/** The boards of a file, which may have several. */
export async function readBoards(path: string, file: string): Promise<Board[]> {
  return parseDocuments(await readText(path, file), board, { file });
}

export function readRunFile(path: string, file: string): Promise<RunFile> {
  return readDocument(path, file, runFile);
}

/** A scenario with the circuit that is drawn beside it, and the pictures that it compares with. */
export async function readScenario(path: string, file: string): Promise<Scenario> {
  const read = await readWithPictures(path, file);
  const diagram = read.diagram ?? (await readDiagramBeside(path, file));
  return diagram ? { ...read, diagram } : read;
}

async function readWithPictures(path: string, file: string): Promise<Scenario> {
  const read = await readDocument(path, file, scenario);
  try {
    return await withPictures(read, dirname(path));
  } catch (error) {
    throw await scenarioProblem(error, path, file);
  }
}

/**
 * What somebody found wrong in a scenario, with the scenario's file and the place in it; any other error as it is.
 * @param file the path as the caller wrote it
 */
export async function scenarioProblem(thrown: unknown, path: string, file: string): Promise<unknown> {
  if (!(thrown instanceof FarmError) || typeof thrown.details.place !== "string") return thrown;
  const { code, message, details } = thrown;
  const { problemAt } = await import("../../document/problem-at.ts");
  const source = sourceOfPlace({ path, file, place: String(details.place) });
  const text = await readFile(source.path, "utf8");
  const problem = problemAt(text, source.file, source.place, `${message.replace(/\.$/, "")} [${code}]`);
  return new FarmError("InvalidDocument", {
    ...problem.details,
    file: source.file,
    problems: String(problem.details.problems),
    codes: code,
  });
}

export interface NamedBoard {
  readonly name: string;
  readonly spec: BoardSpec;
}

/**
 * The board of that name or file, without a farm to ask.
 * @param data the farm's folder, where the caller chose one; likewise below
 * @throws {FarmError} UnknownBoard with the nearest name, NotFound, InvalidDocument
 */
export async function findBoard(surroundings: Surroundings, nameOrFile: string, data?: string): Promise<NamedBoard> {
  if (isBoardFile(nameOrFile)) {
    const { metadata, spec } = await readBoardFile(resolve(surroundings.cwd, nameOrFile), nameOrFile);
    return { name: metadata.name, spec };
  }
  const files = await boardFiles(surroundings, data);
  // A file is named for its board: nothing else has to be read.
  const named = files.get(nameOrFile);
  if (named !== undefined) {
    const { metadata, spec } = await readBoardFile(named, relative(surroundings.cwd, named));
    if (metadata.name === nameOrFile) return { name: nameOrFile, spec };
  }
  const boards = await readAllBoards(surroundings, data);
  const found = boards.find(({ name }) => name === nameOrFile);
  if (found) return found;
  const nearest = nearestName(
    nameOrFile,
    boards.map(({ name }) => name),
  );
  const hint = nearest === undefined ? " emufarm boards lists them." : ` Did you mean ${nearest}?`;
  throw new FarmError("UnknownBoard", { board: nameOrFile, hint });
}

/** Every board that a farm of this user would have, by name. */
export async function readAllBoards(surroundings: Surroundings, data?: string): Promise<NamedBoard[]> {
  const files = await boardFiles(surroundings, data);
  const boards = await Promise.all(
    [...files.values()].map((file) => readBoardFile(file, relative(surroundings.cwd, file))),
  );
  return boards
    .map(({ metadata, spec }) => ({ name: metadata.name, spec }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** Files of boards by their names without `.yaml`; one of the user's own goes before one that comes with emufarm. */
async function boardFiles(surroundings: Surroundings, data: string | undefined): Promise<Map<string, string>> {
  const folders = [surroundings.project.boardsFolder, join(farmFolders(surroundings, data).data, "boards")];
  const files = new Map<string, string>();
  for (const folder of folders) {
    // A farm that was never up has no folder of its own boards.
    const names = await readdir(folder).catch(() => []);
    for (const name of names) if (/\.ya?ml$/.test(name)) files.set(name.replace(/\.ya?ml$/, ""), join(folder, name));
  }
  return files;
}

async function readDocument<Schema extends z.ZodType>(
  path: string,
  file: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  return parseDocument(await readText(path, file), schema, { file });
}

async function readText(path: string, file: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT") throw new FarmError("NotFound", { kind: "file", name: file }, { cause });
    throw new FarmError("InvalidDocument", { file, problems: `${file} cannot be read (${code})` }, { cause });
  }
}
