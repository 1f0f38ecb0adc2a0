import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Command } from "commander";
import { FarmError } from "../../core/error/farm-error.ts";
import { nearestName } from "../../core/policy/nearest-name.ts";
import { refuseSameName } from "../../core/policy/unique-boards.ts";
import type { Board } from "../../core/schema/board.ts";
import type { BoardStatus } from "../../core/wire/farm.ts";
import { EXIT } from "../exit-code.ts";
import { connectFarm, findFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import { errorText } from "../screen/error-text.ts";
import { clipped, painter } from "../screen/style.ts";
import { textTable } from "../screen/table.ts";
import { terminalSize } from "../screen/terminal-size.ts";
import type { Surroundings } from "../surroundings.ts";
import { type JsonOptions, jsonText } from "./json-option.ts";

/** `emufarm boards`: the list of them; what was meant for a command of boards, and is none, is refused. */
export async function boards(surroundings: Surroundings, options: JsonOptions, command: Command): Promise<number> {
  const [word] = command.args;
  if (word === undefined) return await listBoards(surroundings, options);
  const known = command.commands.map((one) => one.name());
  const nearest = nearestName(word, known);
  const problems = `boards has no command ${word}; ${nearest === undefined ? `it has ${known.join(", ")}` : `did you mean ${nearest}?`}`;
  throw new FarmError("InvalidRequest", { problems });
}

/** Every board, and what to install where it cannot run here. */
export async function listBoards(surroundings: Surroundings, options: JsonOptions): Promise<number> {
  const { stdout } = surroundings;
  const boards = await allBoards(surroundings, options);
  stdout.write(options.json ? jsonText(boards) : boardTable(surroundings, boards));
  return EXIT.passed;
}

async function allBoards(surroundings: Surroundings, options: FarmOptions): Promise<BoardStatus[]> {
  if (await findFarm(surroundings, options)) {
    await using farm = await connectFarm(surroundings, options);
    return await farm.boards();
  }
  return (await import("../farm/boards-here.ts")).boardsHere(surroundings, options);
}

function boardTable({ stdout, env }: Surroundings, boards: readonly BoardStatus[]): string {
  const paint = painter(stdout, env);
  const room = stdout.isTTY ? Math.max(60, terminalSize(stdout).columns) : 1_000;
  const nameWidth = Math.max(5, ...boards.map(({ name }) => name.length));
  const titleWidth = Math.min(44, Math.max(5, ...boards.map(({ spec }) => spec.title.length)));
  const rows = boards.map(({ name, spec, isAvailable, emulator, error }) => [
    isAvailable ? paint("green", "✔") : paint("red", "✘"),
    name,
    clipped(spec.title, titleWidth),
    isAvailable
      ? `${emulator?.binary ?? spec.emulator.binary} ${emulator?.version ?? ""} ${emulator?.accelerator ?? ""}`.trim()
      : paint("yellow", clipped(error?.message ?? "not available", room - nameWidth - titleWidth - 7)),
  ]);
  const available = boards.filter((board) => board.isAvailable).length;
  return `${textTable([["", paint("bold", "BOARD"), paint("bold", "WHAT"), paint("bold", "RUNS ON")], ...rows])}${available} of ${boards.length} boards can run here.\n`;
}

/** `emufarm boards add FILE`. */
export async function addBoard(surroundings: Surroundings, file: string, options: FarmOptions): Promise<number> {
  const { readBoardFile } = await import("../farm/documents.ts");
  const board = await readBoardFile(resolve(surroundings.cwd, file), file);
  await using farm = await connectFarm(surroundings, options);
  const known = (await farm.boards()).find(({ name }) => name === board.metadata.name);
  const code = tellBoard(surroundings, await farm.putBoard(board), "is added");
  if (known && !isDeepStrictEqual(known.spec, board.spec)) {
    const { name } = board.metadata;
    surroundings.stderr.write(
      `It takes the place of the board ${name} that was there; emufarm boards remove ${name} takes it away again.\n`,
    );
  }
  return code;
}

/** `emufarm boards remove NAME`: one that was added; what it took the place of is there again. */
export async function removeBoard(surroundings: Surroundings, name: string, options: FarmOptions): Promise<number> {
  await using farm = await connectFarm(surroundings, options);
  await farm.removeBoard(name);
  const isThere = (await farm.boards()).some((board) => board.name === name);
  const again = isThere ? " The one that it took the place of is there again." : "";
  surroundings.stdout.write(`Board ${name} is removed.${again}\n`);
  return EXIT.passed;
}

/** `emufarm boards check PATH`: the form of a file, or of each in a folder, and whether an emulator here can do it. */
export async function checkBoards(surroundings: Surroundings, asWritten: string): Promise<number> {
  const { read, areAllValid } = await readEach(surroundings, asWritten);
  const { checkEachHere } = await import("../farm/boards-here.ts");
  const codes: number[] = areAllValid ? [EXIT.passed] : [EXIT.badRequest];
  const given = read.flatMap(({ file, boards }) => boards.map((board) => ({ file, board })));
  const there = await (await import("../farm/documents.ts")).readAllBoards(surroundings);
  const checked = await checkEachHere(
    surroundings,
    given.map(({ board }) => board),
  );
  for (const [index, board] of checked.entries()) {
    codes.push(tellBoard(surroundings, board, `(${given[index]?.file}) is valid`));
    const known = there.find(({ name }) => name === board.name);
    if (known && !isDeepStrictEqual(known.spec, board.spec)) {
      surroundings.stderr.write(`Added, it would take the place of the board ${board.name} that is there.\n`);
    }
  }
  return codes.find((code) => code !== EXIT.passed) ?? EXIT.passed;
}

/** Files of boards that can be read; what is wrong with one is told, and the others are read all the same. */
async function readEach(surroundings: Surroundings, asWritten: string) {
  const [{ boardFilesAt }, { readBoards }] = await Promise.all([
    import("../farm/board-files.ts"),
    import("../farm/documents.ts"),
  ]);
  const read: { readonly file: string; readonly boards: readonly Board[] }[] = [];
  let areAllValid = true;
  for (const { path, file } of await boardFilesAt(surroundings, asWritten)) {
    try {
      const one = { file, boards: await readBoards(path, file) };
      refuseSameName([...read, one]);
      read.push(one);
    } catch (error) {
      if (!(error instanceof FarmError)) throw error;
      surroundings.stderr.write(`emufarm: ${errorText(error)}\n`);
      areAllValid = false;
    }
  }
  return { read, areAllValid };
}

function tellBoard({ stdout }: Surroundings, board: BoardStatus, what: string): number {
  const { name, isAvailable, emulator, error } = board;
  if (isAvailable) {
    stdout.write(`Board ${name} ${what}, and can run here: ${emulator?.binary} ${emulator?.version}.\n`);
    return EXIT.passed;
  }
  // The sentence of BoardUnavailable begins with what has just been said.
  const why = error?.code === "BoardUnavailable" ? `${error.details.problem}.` : error?.message;
  stdout.write(`Board ${name} ${what}, but cannot run here: ${why ?? "it is not available"}\n`);
  return EXIT.farmError;
}
