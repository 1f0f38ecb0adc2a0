import { FarmError } from "../../core/error/farm-error.ts";
import type { AgentStream } from "./agent-stream.ts";

const INFO_PATIENCE_MS = 5_000;

/** The slots of all agents, as these say: nobody else counts them. */
export interface FarmSlots {
  /** @throws {FarmError} AgentLost where no agent answers */
  count(): Promise<{ readonly slots: number; readonly freeSlots: number }>;
  /** Agents with free slots, the one with the most first. */
  freeAgents(): Promise<readonly AgentStream[]>;
}

export function createFarmSlots(streams: ReadonlyMap<string, AgentStream>): FarmSlots {
  async function infos() {
    const asked = [...streams.values()].map(async (stream) => {
      try {
        return [{ stream, info: await stream.client.info(AbortSignal.timeout(INFO_PATIENCE_MS)) }];
      } catch {
        // One that does not answer has nothing to give; its stream tells when it is back.
        return [];
      }
    });
    return (await Promise.all(asked)).flat();
  }

  return {
    async count() {
      const known = (await infos()).map(({ info }) => info);
      if (known.length === 0) {
        const agent = [...streams.values()].map(({ name }) => name).join(", ") || "(none)";
        throw new FarmError("AgentLost", { agent, detail: "no agent answers, so nothing can run now" });
      }
      return {
        slots: known.reduce((sum, { slots }) => sum + slots, 0),
        freeSlots: known.reduce((sum, { freeSlots }) => sum + freeSlots, 0),
      };
    },
    async freeAgents() {
      const free = (await infos()).filter(({ info }) => info.freeSlots > 0);
      return free.toSorted((one, other) => other.info.freeSlots - one.info.freeSlots).map(({ stream }) => stream);
    },
  };
}
