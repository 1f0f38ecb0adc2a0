import { FarmError } from "../../core/error/farm-error.ts";
import { nearestName } from "../../core/policy/nearest-name.ts";
import type { Board } from "../../core/schema/board.ts";
import type { BoardFiles } from "./board-files.ts";

/** The boards of the farm, by name. */
export interface BoardRegistry {
  list(): readonly Board[];
  /** @throws {FarmError} UnknownBoard, with the nearest name */
  get(name: string): Board;
  /** Stores a board in the farm's own folder; it takes the place of one of the same name. */
  put(board: Board): Promise<void>;
}

/** @throws {FarmError} InvalidDocument for a board file that is not valid */
export async function loadBoards(files: BoardFiles): Promise<BoardRegistry> {
  const boards = new Map<string, Board>();
  for (const board of await files.readAll()) boards.set(board.metadata.name, board);
  return {
    list: () => [...boards.values()].sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1)),
    get(name) {
      const board = boards.get(name);
      if (board) return board;
      const nearest = nearestName(name, boards.keys());
      const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
      throw new FarmError("UnknownBoard", { board: name, hint });
    },
    async put(board) {
      await files.write(board);
      boards.set(board.metadata.name, board);
    },
  };
}
