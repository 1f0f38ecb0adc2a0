import type { AgentClient } from "../../client/agent-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import type { BoardCheck } from "../../core/wire/agent-info.ts";
import type { Log } from "../../log/log.ts";
import type { AgentDirectory } from "../agents/agent-directory.ts";

/** Available, not available with the reason, or not known because no agent answers. */
export type Availability = BoardCheck | { readonly isAvailable: undefined };

/** Which boards can run here: what the agents say, remembered for as long as they are the same agents. */
export interface BoardAvailability {
  /** Never rejects: a board is not known to be unavailable until an agent says so. */
  check(name: string, board: BoardSpec): Promise<Availability>;
}

/** An agent is asked who it is again after this time: a new process may find other emulators. */
const TRUSTED_MS = 5_000;
/** Boards that are remembered of an agent: versions of a board that somebody works on are many. */
const MAX_CHECKS = 1_000;

interface AgentMemory {
  readonly client: AgentClient;
  agentId: string | undefined;
  confirmedMs: number;
  confirming: Promise<void> | undefined;
  /** By name and content of the board. */
  readonly checks: Map<string, Promise<BoardCheck>>;
}

export function createBoardAvailability(directory: Pick<AgentDirectory, "agents">, log: Log): BoardAvailability {
  const memories = new WeakMap<AgentClient, AgentMemory>();
  function memoryOf(client: AgentClient): AgentMemory {
    const known = memories.get(client);
    if (known) return known;
    const memory: AgentMemory = {
      client,
      agentId: undefined,
      confirmedMs: Number.NEGATIVE_INFINITY,
      confirming: undefined,
      checks: new Map(),
    };
    memories.set(client, memory);
    return memory;
  }

  // Runs carry their boards: the same one comes as many objects, but each of them often.
  const texts = new WeakMap<BoardSpec, string>();
  function keyOf(name: string, board: BoardSpec): string {
    const text = texts.get(board) ?? JSON.stringify(board);
    texts.set(board, text);
    return `${name} ${text}`;
  }

  async function ask(memory: AgentMemory, name: string, board: BoardSpec): Promise<BoardCheck | undefined> {
    try {
      await confirm(memory);
      const key = keyOf(name, board);
      const known = memory.checks.get(key);
      if (known) return await known;
      const check = memory.client.checkBoard(name, board);
      memory.checks.set(key, check);
      if (memory.checks.size > MAX_CHECKS) memory.checks.delete(memory.checks.keys().next().value ?? "");
      check.catch(() => memory.checks.delete(key));
      return await check;
    } catch (error) {
      if (!(error instanceof FarmError)) throw error;
      // Another agent may answer; without one the board counts as not known.
      log.debug({ err: error, agent: memory.client.address, board: name }, "an agent could not check a board");
      return undefined;
    }
  }

  return {
    async check(name, board) {
      const clients = [...directory.agents.values()];
      const answers = await Promise.all(clients.map((client) => ask(memoryOf(client), name, board)));
      const known = answers.filter((answer) => answer !== undefined);
      return known.find((answer) => answer.isAvailable) ?? known[0] ?? { isAvailable: undefined };
    },
  };
}

/** Forgets what an agent said once it is another process. */
async function confirm(memory: AgentMemory): Promise<void> {
  if (performance.now() - memory.confirmedMs < TRUSTED_MS) return;
  memory.confirming ??= memory.client
    .info(AbortSignal.timeout(TRUSTED_MS))
    .then(({ agentId }) => {
      if (agentId !== memory.agentId) memory.checks.clear();
      memory.agentId = agentId;
      memory.confirmedMs = performance.now();
    })
    .finally(() => {
      memory.confirming = undefined;
    });
  await memory.confirming;
}
