import { FarmError } from "../../core/error/farm-error.ts";
import type { AgentStream } from "./agent-stream.ts";
import type { Instance } from "./instance.ts";

const INFO_PATIENCE_MS = 5_000;

/** The slots of all agents, as these say: nobody else counts them. */
export interface FarmSlots {
  /** Slots that are free now, less those that instances wait for. @throws {FarmError} FarmFull, AgentLost */
  checkRoom(instances: readonly Instance[]): Promise<void>;
  /** The error that says by whom all slots are taken. @throws {FarmError} AgentLost where no agent answers */
  full(instances: readonly Instance[]): Promise<FarmError>;
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

  async function count() {
    const known = (await infos()).map(({ info }) => info);
    if (known.length === 0) {
      const agent = [...streams.values()].map(({ name }) => name).join(", ") || "(none)";
      throw new FarmError("AgentLost", { agent, detail: "no agent answers, so nothing can run now" });
    }
    return {
      slots: known.reduce((sum, { slots }) => sum + slots, 0),
      freeSlots: known.reduce((sum, { freeSlots }) => sum + freeSlots, 0),
    };
  }

  async function full(instances: readonly Instance[]): Promise<FarmError> {
    const { slots } = await count();
    const held = instances.filter(({ record }) => record.agent !== undefined).length;
    const whom = held === 0 ? "by jobs" : held === slots ? "by instances" : `${held} by instances, the others by jobs`;
    return new FarmError("FarmFull", { slots, whom });
  }

  return {
    full,
    async checkRoom(instances) {
      const { freeSlots } = await count();
      const waiting = instances.filter((one) => one.isUnplaced).length;
      if (freeSlots <= waiting) throw await full(instances);
    },
    async freeAgents() {
      const free = (await infos()).filter(({ info }) => info.freeSlots > 0);
      return free.toSorted((one, other) => other.info.freeSlots - one.info.freeSlots).map(({ stream }) => stream);
    },
  };
}
