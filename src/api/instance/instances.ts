import { randomUUID } from "node:crypto";
import type { AgentClient } from "../../client/agent-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { checkChange, mergePatched } from "../../core/policy/instance-change.ts";
import { nearestName } from "../../core/policy/nearest-name.ts";
import type { InstanceNews, InstanceObject } from "../../core/wire/farm-instance.ts";
import type { Log } from "../../log/log.ts";
import type { AgentDirectory } from "../agents/agent-directory.ts";
import type { BoardAvailability } from "../board/board-availability.ts";
import type { BoardRegistry } from "../board/board-registry.ts";
import type { ImportFirmware } from "../firmware/firmware-importer.ts";
import type { Store } from "../store/store.ts";
import { AgentStreams } from "./agent-streams.ts";
import { digestsOf } from "./desired-wish.ts";
import { createFarmSlots, type FarmSlots } from "./farm-slots.ts";
import { checkInstance, checkPrecondition, type GivenInstance, specOf } from "./given-instance.ts";
import { Instance } from "./instance.ts";
import { objectOf } from "./instance-object.ts";
import type { StoredInstance } from "./instance-record.ts";
import type { InstanceWorld } from "./instance-world.ts";
import { Turns } from "./turns.ts";

export interface InstancesDependencies {
  readonly store: Pick<Store, "listInstances" | "writeInstance" | "deleteInstance" | "nextEpoch" | "hasFirmware">;
  readonly directory: Pick<AgentDirectory, "agents">;
  readonly boards: BoardRegistry;
  readonly availability: BoardAvailability;
  readonly importFirmware: ImportFirmware;
  readonly blobUrl: (sha256: string) => string;
  readonly tenant: string;
  readonly clock: () => number;
  readonly log: Log;
}

/** Epochs of what tells agents about instances. */
const EPOCH_NAME = "instances";

/** The instances of the farm. */
export class Instances implements AsyncDisposable {
  readonly #dependencies: InstancesDependencies;
  readonly #world: InstanceWorld;
  readonly #streams: AgentStreams;
  readonly #instances = new Map<string, Instance>();
  readonly #listeners = new Set<(news: InstanceNews) => void>();
  readonly #changes = new Turns();
  readonly #placements = new Turns();
  readonly #slots: FarmSlots;

  private constructor(dependencies: InstancesDependencies, epoch: number) {
    const { store, directory, boards, importFirmware, blobUrl, tenant, clock, log } = dependencies;
    this.#dependencies = dependencies;
    this.#streams = new AgentStreams({ directory, instances: () => this.#all, log });
    this.#slots = createFarmSlots(this.#streams.byAddress);
    this.#world = {
      streams: this.#streams.byAddress,
      boards,
      importFirmware,
      blobUrl,
      tenant,
      epoch,
      clock,
      log,
      save: (record) => store.writeInstance(record),
      exclusively: (action) => this.#placements.take(action),
      freeAgents: () => this.#slots.freeAgents(),
      onChanged: ({ record }) => this.#tell({ type: "instance", instance: objectOf(record) }),
      onExpired: ({ record }) => {
        this.delete(record.name).catch((error: unknown) =>
          log.error({ err: error }, "an instance could not be deleted"),
        );
      },
    };
  }

  /** Takes up what the store has. */
  static async open(dependencies: InstancesDependencies): Promise<Instances> {
    const { store } = dependencies;
    const instances = new Instances(dependencies, await store.nextEpoch(EPOCH_NAME));
    for (const record of await store.listInstances()) {
      instances.#instances.set(record.name, new Instance(record, instances.#world));
    }
    return instances;
  }

  /** Hears the agents and goes on with what the store has. To be called once, when agents can fetch firmware. */
  begin(): void {
    this.#streams.open();
    for (const instance of this.#all) void instance.wake();
  }

  list(): InstanceObject[] {
    return this.#all
      .map(({ record }) => record)
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
      .map(objectOf);
  }

  /** @throws {FarmError} UnknownTarget with the nearest name; likewise below */
  get(name: string): InstanceObject {
    return objectOf(this.#find(name).record);
  }

  /** The agent that has the instance, and its uid there. @throws {FarmError} ChannelUnreachable */
  locate(name: string): { readonly agent: AgentClient; readonly uid: string } {
    const { agent, uid, status } = this.#find(name).record;
    const stream = agent === undefined ? undefined : this.#streams.byAddress.get(agent);
    if (stream) return { agent: stream.client, uid };
    const ready = status?.conditions?.find(({ type }) => type === "Ready")?.message.replace(/[.]$/, "");
    const problem = `it has no slot now (${status?.phase ?? "Pending"})${ready === undefined ? "" : `; ${ready}`}`;
    throw new FarmError("ChannelUnreachable", { channel: "A channel", instance: name, problem });
  }

  /**
   * Makes an instance, or changes the one of that name.
   * @throws {FarmError} Conflict where it is another one or another generation than was said; NoFreeSlot for a new one;
   *   InvalidRequest, UnknownBoard, BoardUnavailable, NotSupportedHere, NotSupportedByBoard, Firmware...
   */
  put(given: GivenInstance): Promise<{ readonly object: InstanceObject; readonly isNew: boolean }> {
    return this.#changes.take(async () => {
      const known = this.#instances.get(given.name);
      checkPrecondition(given, known?.record);
      if (known) return { object: await this.#change(known, given), isNew: false };
      return { object: await this.#create(given), isNew: true };
    });
  }

  /** Changes the spec by a merge patch. @throws {FarmError} as `put` */
  patch(name: string, patch: Pick<GivenInstance, "uid" | "generation" | "spec">): Promise<InstanceObject> {
    return this.#changes.take(async () => {
      const known = this.#find(name);
      checkPrecondition({ ...patch, name }, known.record);
      const spec = mergePatched(known.record.spec, patch.spec) as GivenInstance["spec"];
      const { labels, annotations } = known.record;
      return await this.#change(known, { name, labels, annotations, spec });
    });
  }

  /** Ends an instance. One that an agent still has after this is taken away when the agent is heard again. */
  delete(name: string, uid?: string): Promise<void> {
    return this.#changes.take(async () => {
      const instance = this.#find(name);
      checkPrecondition({ name, uid }, instance.record);
      await this.#remove(instance);
    });
  }

  /** Tells of each change from now on. Returns how to stop. */
  watch(listener: (news: InstanceNews) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells the retention that the firmware of instances is in use. */
  async keepFirmware(): Promise<void> {
    for (const { record } of this.#all) {
      for (const sha256 of record.firmware ? digestsOf(record.firmware.reference) : []) {
        await this.#dependencies.store.hasFirmware(sha256);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#streams[Symbol.asyncDispose]();
    await Promise.all(this.#all.map((instance) => instance[Symbol.asyncDispose]()));
  }

  async #create(given: GivenInstance): Promise<InstanceObject> {
    const { store, clock } = this.#dependencies;
    const spec = specOf(given, undefined);
    const board = this.#dependencies.boards.get(spec.board).spec;
    const { labels = {}, annotations = {}, name } = given;
    const draft: StoredInstance = {
      name,
      uid: randomUUID(),
      generation: 1,
      createdAt: new Date(clock()).toISOString(),
      labels,
      annotations,
      spec,
      board,
    };
    const record = { ...draft, ...(await checkInstance(this.#dependencies, draft)) };
    await this.#slots.checkRoom(this.#all);
    await store.writeInstance(record);
    const instance = new Instance(record, this.#world);
    this.#instances.set(name, instance);
    await instance.wake();
    const { refusal } = instance;
    if (refusal === undefined) return objectOf(instance.record);
    // Nothing is left of what could not begin.
    await this.#remove(instance);
    throw refusal === "noSlot" ? await this.#slots.full(this.#all) : refusal;
  }

  async #change(known: Instance, given: GivenInstance): Promise<InstanceObject> {
    const { name, labels = {}, annotations = {} } = given;
    const { record } = known;
    const spec = specOf(given, record.spec);
    checkChange(name, record.spec, spec);
    const isSame = JSON.stringify(spec) === JSON.stringify(record.spec);
    const { firmware } = isSame ? {} : await checkInstance(this.#dependencies, { ...record, spec });
    await known.apply((now) => ({
      ...now,
      labels,
      annotations,
      ...(!isSame && { spec, generation: now.generation + 1 }),
      ...(firmware && { firmware }),
    }));
    return objectOf(known.record);
  }

  async #remove(instance: Instance): Promise<void> {
    const { store, log } = this.#dependencies;
    const { name } = instance.record;
    await store.deleteInstance(name);
    this.#instances.delete(name);
    await instance[Symbol.asyncDispose]();
    // What it wrote at its end must not bring it back.
    await store.deleteInstance(name);
    const { agent, uid } = instance.record;
    const stream = agent === undefined ? undefined : this.#streams.byAddress.get(agent);
    await stream?.client.deleteInstance(uid).catch((error: unknown) => {
      log.warn({ err: error, instance: name }, "the agent has not let go of a deleted instance yet");
    });
    this.#tell({ type: "deleted", name });
  }

  get #all(): readonly Instance[] {
    return [...this.#instances.values()];
  }

  #find(name: string): Instance {
    const instance = this.#instances.get(name);
    if (instance) return instance;
    const nearest = nearestName(name, this.#instances.keys());
    const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
    throw new FarmError("UnknownTarget", { name, hint });
  }

  #tell(news: InstanceNews): void {
    for (const listener of this.#listeners) listener(news);
  }
}
