import { FarmError } from "../../core/error/farm-error.ts";
import { type FarmInstanceObservation, farmInstanceStatus } from "../../core/policy/farm-instance-status.ts";
import type { ObservedFirmware, Problem } from "../../core/policy/instance-observation.ts";
import { expiryMs } from "../../core/policy/instance-plan.ts";
import { lastUseOf } from "../../core/policy/last-use.ts";
import type { EmulatorInstanceStatus } from "../../core/schema/emulator-instance-status.ts";
import { type AgentStream, agentName } from "./agent-stream.ts";
import { wishOf } from "./desired-wish.ts";
import { FirmwareSearch } from "./firmware-search.ts";
import type { StoredInstance } from "./instance-record.ts";
import type { InstanceWorld } from "./instance-world.ts";
import { SingleFlight } from "./single-flight.ts";
import { Turns } from "./turns.ts";

const RETRY_MS = 15_000;
/** What a status says may be this old in the store; callers get the newest. */
const STATUS_DELAY_MS = 500;
/** Longer ones overflow the timers of Node. */
const LONGEST_TIMER_MS = 3_600_000;
const NO_SLOT: Problem = {
  reason: "NoFreeSlot",
  message: "All slots are taken; it begins when one is free. emufarm up --slots gives more.",
};
const NOT_PLACED: Problem = { reason: "Pending", message: "It has no slot yet." };
const LIVE_PHASES = new Set(["Starting", "Running", "Paused"]);

/** One instance: always on its way to what its record says. An idle one does nothing at all. */
export class Instance implements AsyncDisposable {
  readonly #world: InstanceWorld;
  readonly #flight: SingleFlight;
  #record: StoredInstance;
  #told: { readonly agentId: string | undefined; readonly digest: string; readonly generation: number } | undefined;
  readonly #search: FirmwareSearch;
  #refused: { readonly error: FarmError; readonly retryAtMs: number } | undefined;
  #hasNoSlot = false;
  #timer: { readonly dueMs: number; readonly handle: NodeJS.Timeout } | undefined;
  readonly #writes = new Turns();
  #saveTimer: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(record: StoredInstance, world: InstanceWorld) {
    this.#record = record;
    this.#world = world;
    this.#search = new FirmwareSearch({
      importFirmware: world.importFirmware,
      clock: world.clock,
      retryMs: RETRY_MS,
      onOutcome: async (firmware) => {
        if (firmware) await this.#save({ firmware });
        await this.wake();
      },
    });
    this.#flight = new SingleFlight(async () => {
      try {
        await this.#converge();
      } catch (error) {
        // The store may be full, or the agent gone in the middle: it is looked at again.
        world.log.warn({ err: error, instance: record.name }, "instance is not as desired");
        this.#lookAgainIn(RETRY_MS);
      }
      this.look();
    });
  }

  get record(): StoredInstance {
    return this.#record;
  }

  /** Why it cannot begin: what the agent said to it, or that no slot is free. */
  get refusal(): FarmError | "noSlot" | undefined {
    return this.#refused?.error ?? (this.#hasNoSlot ? "noSlot" : undefined);
  }

  /** Waits for a slot, or for its firmware before that. */
  get isUnplaced(): boolean {
    return this.#record.agent === undefined && !this.#isOver();
  }

  /** Something has changed. Settles when what can be done now is done. */
  wake(): Promise<void> {
    return this.#isEnded ? Promise.resolve() : this.#flight.wake();
  }

  /** Makes it another one: stored, then carried out. */
  async apply(change: (record: StoredInstance) => StoredInstance): Promise<void> {
    await this.#write(change);
    this.#refused = undefined;
    await this.wake();
  }

  /** Its status may be another one: tells it, and has it stored soon. */
  look(): void {
    if (this.#isEnded) return;
    const before = this.#record.status;
    const status = farmInstanceStatus(this.#observe(), before, this.#world.clock());
    if (JSON.stringify(status) === JSON.stringify(before)) return;
    this.#record = { ...this.#record, status };
    this.#saveTimer ??= setTimeout(() => this.#saveStatus(), STATUS_DELAY_MS);
    this.#world.onChanged(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    clearTimeout(this.#timer?.handle);
    await this.#flight.landed();
    if (this.#saveTimer) this.#saveStatus();
    await this.#writes.taken();
  }

  #saveStatus(): void {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
    this.#write((record) => record).catch((error: unknown) => {
      // The next change is stored with this one.
      this.#world.log.error({ err: error, instance: this.#record.name }, "the status of an instance is not stored");
    });
  }

  async #converge(): Promise<void> {
    clearTimeout(this.#timer?.handle);
    this.#timer = undefined;
    if (this.#isOver()) return await this.#expire();
    const endMs = expiryMs(this.#times());
    if (endMs !== undefined) this.#lookAgainIn(endMs - this.#world.clock());
    await this.#takeNewBoard();
    if (!isKnown(this.#search.observe(this.#record))) {
      const retryAtMs = this.#search.begin(this.#record);
      if (retryAtMs !== undefined) this.#lookAgainIn(retryAtMs - this.#world.clock());
      return;
    }
    if (this.#refused && this.#refused.retryAtMs > this.#world.clock()) return;
    const stream = this.#stream();
    if (stream) {
      await this.#noteAgent(stream);
      if (stream.agentId === undefined || this.#isTold(stream)) return;
      await this.#tell(stream);
    }
    if (!this.#stream() && !this.#refused) await this.#place();
  }

  async #expire(): Promise<void> {
    if (this.#record.spec.ttl?.then === "Delete") {
      this.#world.onExpired(this);
      return;
    }
    const stream = this.#stream();
    if (!stream) return;
    await stream.client.deleteInstance(this.#record.uid);
    stream.forget(this.#record.uid);
    await this.#save({ agent: undefined, agentId: undefined });
  }

  /** Takes a free slot of any agent. */
  async #place(): Promise<void> {
    await this.#world.exclusively(async () => {
      for (const stream of await this.#world.freeAgents()) {
        // Stored first: what an agent has and the store does not know of is taken away.
        await this.#save({ agent: stream.client.address, agentId: stream.agentId, agentEndMs: undefined });
        await this.#tell(stream);
        this.#hasNoSlot = false;
        if (this.#record.agent !== undefined || this.#refused) return;
      }
      this.#hasNoSlot = true;
    });
  }

  async #tell(stream: AgentStream): Promise<void> {
    const { uid, generation } = this.#record;
    const { tenant, blobUrl, epoch, clock } = this.#world;
    const wish = wishOf(this.#record, tenant, blobUrl);
    const seen = stream.observe(uid);
    const known = seen.state === "connected" ? seen.instance : undefined;
    const revision = known?.generation === generation ? known.revision + 1 : 0;
    const { agentId } = stream;
    try {
      stream.learn(await stream.client.putDesired({ ...wish, revision, epoch }));
      this.#told = { agentId, digest: wish.digest, generation };
      this.#refused = undefined;
    } catch (error) {
      const refusal = FarmError.from(error);
      const { code } = refusal;
      if (!known && (code === "NoFreeSlot" || code === "Draining" || code === "NotSupportedByBoard")) {
        await this.#save({ agent: undefined, agentId: undefined });
      }
      // What is full has others beside it; a stream that breaks is opened again.
      if (code === "NoFreeSlot" || code === "Draining" || code === "AgentLost") return;
      this.#refused = { error: refusal, retryAtMs: clock() + RETRY_MS };
      this.#lookAgainIn(RETRY_MS);
    }
  }

  #isTold(stream: AgentStream): boolean {
    const seen = stream.observe(this.#record.uid);
    if (seen.state !== "connected" || !seen.instance || !this.#told) return false;
    const { digest } = wishOf(this.#record, this.#world.tenant, this.#world.blobUrl);
    // A new process of the agent may have fetched its firmware long ago: it gets fresh addresses.
    return (
      this.#told.agentId === stream.agentId &&
      this.#told.digest === digest &&
      this.#told.generation === this.#record.generation
    );
  }

  /** Where it is; one that an agent has kept though the store knows another place is taken as it is. */
  #stream(): AgentStream | undefined {
    const { agent } = this.#record;
    return agent === undefined ? undefined : this.#world.streams.get(agent);
  }

  /** A new process of the agent means that the guest went with the one before. */
  async #noteAgent({ agentId }: AgentStream): Promise<void> {
    const { agentId: before, status } = this.#record;
    if (agentId === undefined || agentId === before) return;
    const wasLive = before !== undefined && LIVE_PHASES.has(status?.phase ?? "");
    await this.#save({ agentId, ...(wasLive && { agentEndMs: this.#world.clock() }) });
  }

  /** An outdated board is replaced when nobody misses it, where the spec says so. */
  async #takeNewBoard(): Promise<void> {
    const { spec, status } = this.#record;
    const isIdle = ["PoweredOff", "Succeeded", "Failed"].includes(status?.phase ?? "");
    if (spec.updatePolicy !== "WhenIdle" || !isIdle || !this.#isOutdated()) return;
    await this.#save({ board: this.#world.boards.get(spec.board).spec });
  }

  #observe(): FarmInstanceObservation {
    const { agent, agentEndMs, firmware, generation, spec, uid } = this.#record;
    const stream = this.#stream();
    const seenFirmware = this.#search.observe(this.#record);
    const desired = isKnown(seenFirmware) ? wishOf(this.#record, this.#world.tenant, this.#world.blobUrl) : undefined;
    const refused = this.#refused && problemOf(this.#refused.error);
    const problem = refused ?? (this.#hasNoSlot ? NO_SLOT : NOT_PLACED);
    return {
      ...this.#times(),
      generation,
      spec,
      firmware: seenFirmware,
      desiredDigest: desired?.digest,
      agent: stream?.observe(uid),
      refusedByAgent: refused,
      place: agent === undefined ? { state: "waiting", problem } : { state: "placed", agent: agentName(agent) },
      isBoardOutdated: this.#isOutdated(),
      ...(firmware && { firmwareFacts: factsOf(firmware) }),
      ...(agentEndMs !== undefined && { agentEnd: { atMs: agentEndMs } }),
    };
  }

  #isOutdated(): boolean {
    const { spec, board } = this.#record;
    try {
      return JSON.stringify(this.#world.boards.get(spec.board).spec) !== JSON.stringify(board);
    } catch (error) {
      if (!(error instanceof FarmError) || error.code !== "UnknownBoard") throw error;
      // A board that was removed from the farm stays with those who have it.
      return false;
    }
  }

  #times() {
    const { createdAt, spec, status, uid } = this.#record;
    const lastUsed = lastUseOf(this.#stream()?.observe(uid), status, spec.ttl);
    return { createdMs: Date.parse(createdAt), lastUsed, spec };
  }

  #isOver(): boolean {
    const endMs = expiryMs(this.#times());
    return endMs !== undefined && endMs <= this.#world.clock();
  }

  #lookAgainIn(ms: number): void {
    const delayMs = Math.min(Math.max(0, ms), LONGEST_TIMER_MS);
    const dueMs = performance.now() + delayMs;
    if (this.#isEnded || (this.#timer && this.#timer.dueMs <= dueMs)) return;
    clearTimeout(this.#timer?.handle);
    this.#timer = { dueMs, handle: setTimeout(() => void this.wake(), delayMs) };
  }

  #save(change: Partial<StoredInstance>): Promise<void> {
    return this.#write((record) => ({ ...record, ...change }));
  }

  #write(change: (record: StoredInstance) => StoredInstance): Promise<void> {
    return this.#writes.take(async () => {
      const record = change(this.#record);
      await this.#world.save(record);
      // The status may have become another one meanwhile.
      this.#record = { ...record, status: this.#record.status };
    });
  }
}

function isKnown({ state }: ObservedFirmware): boolean {
  return state === "none" || state === "resolved";
}

function problemOf({ code, message }: FarmError): Problem {
  return { reason: code, message };
}

function factsOf({
  reference,
  sizeBytes,
  format,
}: NonNullable<StoredInstance["firmware"]>): NonNullable<EmulatorInstanceStatus["firmware"]> {
  return { sha256: reference.sha256, sizeBytes, ...(format && { format }) };
}
