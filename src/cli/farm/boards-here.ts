import type { AgentClient } from "../../client/agent-client.ts";
import type { Board } from "../../core/schema/board.ts";
import type { BoardStatus } from "../../core/wire/farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import { findBoard, type NamedBoard, readAllBoards } from "./documents.ts";
import { startPrivateAgent } from "./private-agent.ts";
import { tryMachine } from "./try-machine.ts";

/** Every board as it stands on this machine, where no farm is up. */
export async function boardsHere(surroundings: Surroundings, { data }: FarmOptions): Promise<BoardStatus[]> {
  await using agent = await startPrivateAgent(surroundings);
  const [boards] = await Promise.all([readAllBoards(surroundings, data), agent.ready]);
  return await Promise.all(boards.map((board) => boardHere(agent.client, board)));
}

/**
 * The board of that name or file as it stands on this machine, where no farm is up.
 * @throws {FarmError} UnknownBoard, NotFound, InvalidDocument
 */
export async function findBoardHere(
  surroundings: Surroundings,
  nameOrFile: string,
  { data }: FarmOptions,
): Promise<BoardStatus> {
  const board = await findBoard(surroundings, nameOrFile, data);
  await using agent = await startPrivateAgent(surroundings);
  await agent.ready;
  return await boardHere(agent.client, board);
}

/** Boards, in their order, as they stand on this machine, where the machine of each has been made once. */
export async function checkEachHere(surroundings: Surroundings, boards: readonly Board[]): Promise<BoardStatus[]> {
  if (boards.length === 0) return [];
  await using agent = await startPrivateAgent(surroundings);
  await agent.ready;
  const checked: BoardStatus[] = [];
  for (const { metadata, spec } of boards) {
    const board = await boardHere(agent.client, { name: metadata.name, spec });
    const error = board.isAvailable ? await tryMachine(agent.client, board) : undefined;
    checked.push(error ? { ...board, isAvailable: false, error } : board);
  }
  return checked;
}

async function boardHere(agent: AgentClient, { name, spec }: NamedBoard): Promise<BoardStatus> {
  const check = await agent.checkBoard(name, spec);
  if (!check.isAvailable) return { name, spec, isAvailable: false, error: check.error };
  const { binary, version } = check.emulator;
  return { name, spec, isAvailable: true, emulator: { binary, version, accelerator: check.accelerator } };
}
