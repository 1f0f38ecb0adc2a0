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
  /**
   * Removes a board from the farm's own folder; the one that it took the place of is there again.
   * @throws {FarmError} UnknownBoard; Conflict for a board that nobody has added
   */
  remove(name: string): Promise<void>;
}

/** @throws {FarmError} InvalidDocument for a board file that is not valid */
export async function loadBoards(files: BoardFiles): Promise<BoardRegistry> {
  const given = byName(await files.readGiven());
  const own = byName(await files.readOwn());
  const all = () => new Map([...given, ...own]);
  const get = (name: string): Board => {
    const board = own.get(name) ?? given.get(name);
    if (board) return board;
    const nearest = nearestName(name, all().keys());
    const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
    throw new FarmError("UnknownBoard", { board: name, hint });
  };
  return {
    list: () => [...all().values()].sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1)),
    get,
    async put(board) {
      await files.write(board);
      own.set(board.metadata.name, board);
    },
    async remove(name) {
      get(name);
      if (!own.has(name)) {
        const problem =
          "it comes with emufarm, or from a folder that the farm was started with; only added ones can go";
        throw new FarmError("Conflict", { what: `Removing board ${name}`, problem });
      }
      await files.remove(name);
      own.delete(name);
    },
  };
}

/** Of the same name, the later one. */
function byName(boards: readonly Board[]): Map<string, Board> {
  return new Map(boards.map((board) => [board.metadata.name, board]));
}
