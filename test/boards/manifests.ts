import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Board, board } from "../../src/core/schema/board.ts";

export const BOARDS_FOLDER = join(import.meta.dirname, "../../manifests/boards");

/** The boards of the repository, read as the farm reads them. */
export function readBoards(): Board[] {
  return readdirSync(BOARDS_FOLDER)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => board.parse(parse(readFileSync(join(BOARDS_FOLDER, name), "utf8"))));
}
