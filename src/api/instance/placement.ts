import { FarmError } from "../../core/error/farm-error.ts";
import type { Problem } from "../../core/policy/instance-observation.ts";
import type { AgentStream } from "./agent-stream.ts";
import { wishOf } from "./desired-wish.ts";
import type { InstanceWorld } from "./instance-world.ts";
import type { KeptRecord } from "./kept-record.ts";

const RETRY_MS = 15_000;
const NO_SLOT: Problem = {
  reason: "NoFreeSlot",
  message: "All slots are taken; it begins when one is free. emufarm up --slots gives more.",
};
const NOT_PLACED: Problem = { reason: "Pending", message: "It has no slot yet." };
const LIVE_PHASES = new Set(["Starting", "Running", "Paused"]);

/** The slot of one instance: which agent has it, and what that agent has been told. */
export class Placement {
  readonly #record: KeptRecord;
  readonly #world: InstanceWorld;
  #told: { readonly agentId: string | undefined; readonly digest: string; readonly generation: number } | undefined;
  #refused: { readonly error: FarmError; readonly retryAtMs: number } | undefined;
  #hasNoSlot = false;

  constructor(record: KeptRecord, world: InstanceWorld) {
    this.#record = record;
    this.#world = world;
  }

  /** Where it is; one that an agent has kept though the store knows another place is taken as it is. */
  get stream(): AgentStream | undefined {
    const { agent } = this.#record.now;
    return agent === undefined ? undefined : this.#world.streams.get(agent);
  }

  /** Why it cannot begin: what the agent said to it, or that no slot is free. */
  get refusal(): FarmError | "noSlot" | undefined {
    return this.#refused?.error ?? (this.#hasNoSlot ? "noSlot" : undefined);
  }

  /** What the agent said to it, where it took it not. */
  get refusedByAgent(): Problem | undefined {
    return this.#refused && { reason: this.#refused.error.code, message: this.#refused.error.message };
  }

  /** Why it has no place, while it has none. */
  get problem(): Problem {
    return this.refusedByAgent ?? (this.#hasNoSlot ? NO_SLOT : NOT_PLACED);
  }

  /** Another spec may be taken where the one before was not. */
  forgetRefusal(): void {
    this.#refused = undefined;
  }

  /** Has the agent told what there is to tell it, and finds a slot where there is none. @returns when to ask again */
  async settle(): Promise<number | undefined> {
    if (this.#refused && this.#refused.retryAtMs > this.#world.clock()) return this.#refused.retryAtMs;
    let askAgainAtMs: number | undefined;
    const { stream } = this;
    if (stream) {
      await this.#noteAgent(stream);
      if (stream.agentId === undefined || this.#isTold(stream)) return undefined;
      askAgainAtMs = await this.#tell(stream);
    }
    if (!this.stream && !this.#refused) askAgainAtMs = await this.#find();
    return this.#refused?.retryAtMs ?? askAgainAtMs;
  }

  /** Gives the slot back. */
  async leave(): Promise<void> {
    const { stream } = this;
    const { uid } = this.#record.now;
    if (!stream) return;
    await stream.client.deleteInstance(uid);
    stream.forget(uid);
    await this.#record.set({ agent: undefined, agentId: undefined });
  }

  /** Takes a free slot of any agent. @returns as `#tell` */
  async #find(): Promise<number | undefined> {
    return await this.#world.exclusively(async () => {
      for (const stream of await this.#world.freeAgents()) {
        // Stored first: what an agent has and the store does not know of is taken away.
        await this.#record.set({ agent: stream.client.address, agentId: stream.agentId, agentEndMs: undefined });
        const askAgainAtMs = await this.#tell(stream);
        this.#hasNoSlot = false;
        if (this.#record.now.agent !== undefined || this.#refused) return askAgainAtMs;
      }
      this.#hasNoSlot = true;
      return undefined;
    });
  }

  /** @returns when to tell it again, where the answer was lost: the agent's stream may be whole */
  async #tell(stream: AgentStream): Promise<number | undefined> {
    const { uid, generation } = this.#record.now;
    const { tenant, blobUrl, epoch, clock } = this.#world;
    const wish = wishOf(this.#record.now, tenant, blobUrl);
    const seen = stream.observe(uid);
    const known = seen.state === "connected" ? seen.instance : undefined;
    const revision = known?.generation === generation ? known.revision + 1 : 0;
    const { agentId } = stream;
    try {
      await stream.putDesired({ ...wish, revision, epoch });
      this.#told = { agentId, digest: wish.digest, generation };
      this.#refused = undefined;
    } catch (error) {
      const refusal = FarmError.from(error);
      const { code } = refusal;
      if (!known && (code === "NoFreeSlot" || code === "Draining" || code === "NotSupportedByBoard")) {
        await this.#record.set({ agent: undefined, agentId: undefined });
      }
      const retryAtMs = clock() + RETRY_MS;
      if (code === "AgentLost") return retryAtMs;
      // What is full has others beside it.
      if (code !== "NoFreeSlot" && code !== "Draining") this.#refused = { error: refusal, retryAtMs };
    }
    return undefined;
  }

  #isTold(stream: AgentStream): boolean {
    const { now } = this.#record;
    const seen = stream.observe(now.uid);
    if (seen.state !== "connected" || !seen.instance || !this.#told) return false;
    const { digest } = wishOf(now, this.#world.tenant, this.#world.blobUrl);
    // A new process of the agent may have fetched its firmware long ago: it gets fresh addresses.
    return (
      this.#told.agentId === stream.agentId && this.#told.digest === digest && this.#told.generation === now.generation
    );
  }

  /** A new process of the agent means that the guest went with the one before. */
  async #noteAgent({ agentId }: AgentStream): Promise<void> {
    const { agentId: before, status } = this.#record.now;
    if (agentId === undefined || agentId === before) return;
    const wasLive = before !== undefined && LIVE_PHASES.has(status?.phase ?? "");
    await this.#record.set({ agentId, ...(wasLive && { agentEndMs: this.#world.clock() }) });
  }
}
