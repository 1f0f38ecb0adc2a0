import { contentDigest } from "../../client/content-digest.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { timestampOf, withTransitions } from "../../core/policy/condition-history.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import { type BoardObjectStatus, boardObjectStatus } from "../../core/schema/board-object-status.ts";
import type { BoardCheck } from "../../core/wire/agent-info.ts";
import type { ReconcileOutcome } from "../../kube/work-queue.ts";
import type { AgentWatches } from "../agent/agent-watches.ts";
import type { FarmCaches } from "../kubernetes/farm-caches.ts";
import type { FarmObject } from "../kubernetes/kinds.ts";
import { ObjectMemories } from "../kubernetes/object-memories.ts";
import { parseBoard } from "../kubernetes/parsed-objects.ts";
import type { StatusMemory, StatusWriter } from "../kubernetes/status-writer.ts";

export interface BoardReconcilerDependencies {
  readonly caches: FarmCaches;
  readonly agents: AgentWatches;
  readonly statusOf: (object: FarmObject) => StatusWriter<BoardObjectStatus>;
  /** The wall clock: times of Kubernetes are by it. */
  readonly clock: () => number;
}

interface Verdict {
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly emulator?: BoardObjectStatus["emulator"];
}

const MAX_CHECKS = 1_000;
/** All agents have one image: what one of them says of a board, they all would. */
const NO_AGENT: Verdict = {
  status: "Unknown",
  reason: "NoAgent",
  message: "No agent runs that could be asked whether it has an emulator for the board.",
};

/** Tells of a board whether it is sound, and whether the farm's agents can run it. */
export function createBoardReconciler(
  dependencies: BoardReconcilerDependencies,
): (key: string, signal: AbortSignal) => Promise<ReconcileOutcome | undefined> {
  const { caches, agents, statusOf, clock } = dependencies;
  const memories = new ObjectMemories((): StatusMemory => ({}));
  const checks = new Map<string, BoardCheck>();

  async function verdictOf(
    object: FarmObject,
    before: BoardObjectStatus | undefined,
    signal: AbortSignal,
  ): Promise<Verdict> {
    const parsed = parseBoard(object);
    if ("problem" in parsed) return { status: "False", ...parsed.problem };
    const check = await ask(object.metadata.name ?? "", parsed.value, signal);
    if (!check) return isStillTold(before, object) ?? NO_AGENT;
    if (!check.isAvailable) return { status: "False", reason: check.error.code, message: check.error.message };
    const { binary, version } = check.emulator;
    const message = `${binary} ${version} of the farm's agents runs it.`;
    return { status: "True", reason: "Available", message, emulator: { binary, version } };
  }

  async function ask(name: string, spec: BoardSpec, signal: AbortSignal): Promise<BoardCheck | undefined> {
    const key = contentDigest([name, spec]);
    const known = checks.get(key);
    const agent = known ?? agents.anyConnected();
    if (!agent || !("client" in agent)) return known;
    try {
      const check = await agent.client.checkBoard(name, spec, signal);
      if (checks.size >= MAX_CHECKS) checks.clear();
      checks.set(key, check);
      return check;
    } catch (error) {
      // The agent has gone in between: the next one that comes is asked.
      if (error instanceof FarmError && error.code === "AgentLost") return undefined;
      throw error;
    }
  }

  return async (key, signal) => {
    const object = caches.boards.get(key) ?? caches.clusterBoards.get(key);
    if (!object) {
      memories.forget(key);
      return undefined;
    }
    const memory = memories.of(key, object.metadata.uid ?? "");
    const read = boardObjectStatus.safeParse(object.status);
    const before = read.success ? read.data : undefined;
    const writer = statusOf(object);
    const shown = writer.shown(object, before, memory);
    const { emulator, ...ready } = await verdictOf(object, shown, signal);
    const { generation = 0 } = object.metadata;
    const conditions = withTransitions(
      [{ type: "Ready", ...ready }],
      shown?.conditions,
      generation,
      timestampOf(clock()),
    );
    await writer.write(
      object,
      before,
      { observedGeneration: generation, conditions, ...(emulator && { emulator }) },
      memory,
    );
    return memory.dueMs === undefined ? undefined : { requeueAfterMs: memory.dueMs };
  };
}

/** What an agent has said of this very board stays true while none is there to be asked. */
function isStillTold(before: BoardObjectStatus | undefined, { metadata }: FarmObject): Verdict | undefined {
  const [ready] = before?.conditions ?? [];
  if (!before || !ready || before.observedGeneration !== metadata.generation) return undefined;
  const { status, reason, message } = ready;
  return { status, reason, message, ...(before.emulator && { emulator: before.emulator }) };
}
