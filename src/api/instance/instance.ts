import { FarmError } from "../../core/error/farm-error.ts";
import { type FarmInstanceObservation, farmInstanceStatus } from "../../core/policy/farm-instance-status.ts";
import type { ObservedFirmware } from "../../core/policy/instance-observation.ts";
import { expiryMs } from "../../core/policy/instance-plan.ts";
import { lastUseOf } from "../../core/policy/last-use.ts";
import type { EmulatorInstanceStatus } from "../../core/schema/emulator-instance-status.ts";
import { agentName } from "./agent-stream.ts";
import { wishOf } from "./desired-wish.ts";
import { FirmwareSearch } from "./firmware-search.ts";
import type { StoredInstance } from "./instance-record.ts";
import type { InstanceWorld } from "./instance-world.ts";
import { KeptRecord } from "./kept-record.ts";
import { Placement } from "./placement.ts";
import { SingleFlight } from "./single-flight.ts";

const RETRY_MS = 15_000;
/** Longer ones overflow the timers of Node. */
const LONGEST_TIMER_MS = 3_600_000;

/** One instance: always on its way to what its record says. An idle one does nothing at all. */
export class Instance implements AsyncDisposable {
  readonly #world: InstanceWorld;
  readonly #record: KeptRecord;
  readonly #placement: Placement;
  readonly #search: FirmwareSearch;
  readonly #flight: SingleFlight;
  #timer: { readonly dueMs: number; readonly handle: NodeJS.Timeout } | undefined;
  #isEnded = false;

  constructor(record: StoredInstance, world: InstanceWorld) {
    this.#world = world;
    this.#record = new KeptRecord(record, world);
    this.#placement = new Placement(this.#record, world);
    this.#search = new FirmwareSearch({
      importFirmware: world.importFirmware,
      clock: world.clock,
      retryMs: RETRY_MS,
      onOutcome: async (firmware) => {
        if (firmware) await this.#record.set({ firmware });
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
    return this.#record.now;
  }

  /** Why it cannot begin: what the agent said to it, or that no slot is free. */
  get refusal(): FarmError | "noSlot" | undefined {
    return this.#placement.refusal;
  }

  /** Waits for a slot, or for its firmware before that. */
  get isUnplaced(): boolean {
    return this.record.agent === undefined && !this.#isOver();
  }

  /** Something has changed. Settles when what can be done now is done. */
  wake(): Promise<void> {
    return this.#isEnded ? Promise.resolve() : this.#flight.wake();
  }

  /** Makes it another one: stored, then carried out. */
  async apply(change: (record: StoredInstance) => StoredInstance): Promise<void> {
    await this.#record.change(change);
    this.#placement.forgetRefusal();
    await this.wake();
  }

  /** Its status may be another one: tells it, and has it stored soon. */
  look(): void {
    if (this.#isEnded) return;
    const before = this.record.status;
    const status = farmInstanceStatus(this.#observe(), before, this.#world.clock());
    if (JSON.stringify(status) === JSON.stringify(before)) return;
    this.#record.setStatus(status);
    this.#world.onChanged(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    clearTimeout(this.#timer?.handle);
    await this.#flight.landed();
    await this.#record[Symbol.asyncDispose]();
  }

  async #converge(): Promise<void> {
    clearTimeout(this.#timer?.handle);
    this.#timer = undefined;
    if (this.#isOver()) return await this.#expire();
    this.#lookAgainAt(expiryMs(this.#times()));
    await this.#takeNewBoard();
    if (isKnown(this.#search.observe(this.record))) this.#lookAgainAt(await this.#placement.settle());
    else this.#lookAgainAt(this.#search.begin(this.record));
  }

  async #expire(): Promise<void> {
    if (this.record.spec.ttl?.then === "Delete") this.#world.onExpired(this);
    else await this.#placement.leave();
  }

  /** An outdated board is replaced when nobody misses it, where the spec says so. */
  async #takeNewBoard(): Promise<void> {
    const { spec, status } = this.record;
    const isIdle = ["PoweredOff", "Succeeded", "Failed"].includes(status?.phase ?? "");
    if (spec.updatePolicy !== "WhenIdle" || !isIdle || !this.#isOutdated()) return;
    await this.#record.set({ board: this.#world.boards.get(spec.board).spec });
  }

  #observe(): FarmInstanceObservation {
    const { agent, agentEndMs, firmware, generation, spec, uid } = this.record;
    const { tenant, blobUrl } = this.#world;
    const { refusedByAgent, problem, stream } = this.#placement;
    const seenFirmware = this.#search.observe(this.record);
    const desired = isKnown(seenFirmware) ? wishOf(this.record, tenant, blobUrl) : undefined;
    return {
      ...this.#times(),
      generation,
      spec,
      firmware: seenFirmware,
      desiredDigest: desired?.digest,
      agent: stream?.observe(uid),
      refusedByAgent,
      place: agent === undefined ? { state: "waiting", problem } : { state: "placed", agent: agentName(agent) },
      isBoardOutdated: this.#isOutdated(),
      ...(firmware && { firmwareFacts: factsOf(firmware) }),
      ...(agentEndMs !== undefined && { agentEnd: { atMs: agentEndMs } }),
    };
  }

  #isOutdated(): boolean {
    const { spec, board } = this.record;
    try {
      return JSON.stringify(this.#world.boards.get(spec.board).spec) !== JSON.stringify(board);
    } catch (error) {
      if (!(error instanceof FarmError) || error.code !== "UnknownBoard") throw error;
      // A board that was removed from the farm stays with those who have it.
      return false;
    }
  }

  #times() {
    const { createdAt, spec, status, uid } = this.record;
    const lastUsed = lastUseOf(this.#placement.stream?.observe(uid), status, spec.ttl);
    return { createdMs: Date.parse(createdAt), lastUsed, spec };
  }

  #isOver(): boolean {
    const endMs = expiryMs(this.#times());
    return endMs !== undefined && endMs <= this.#world.clock();
  }

  #lookAgainAt(timeMs: number | undefined): void {
    if (timeMs !== undefined) this.#lookAgainIn(timeMs - this.#world.clock());
  }

  #lookAgainIn(ms: number): void {
    const delayMs = Math.min(Math.max(0, ms), LONGEST_TIMER_MS);
    const dueMs = performance.now() + delayMs;
    if (this.#isEnded || (this.#timer && this.#timer.dueMs <= dueMs)) return;
    clearTimeout(this.#timer?.handle);
    this.#timer = { dueMs, handle: setTimeout(() => void this.wake(), delayMs) };
  }
}

function isKnown({ state }: ObservedFirmware): boolean {
  return state === "none" || state === "resolved";
}

function factsOf({
  reference,
  sizeBytes,
  format,
}: NonNullable<StoredInstance["firmware"]>): NonNullable<EmulatorInstanceStatus["firmware"]> {
  return { sha256: reference.sha256, sizeBytes, ...(format && { format }) };
}
