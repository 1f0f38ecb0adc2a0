import type { Writable } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import { rawChannelNames } from "../../core/policy/raw-channels.ts";
import type { DesiredState, InstanceStatus } from "../../core/wire/desired-state.ts";
import type { Log } from "../../log/log.ts";
import type { AgentEvents } from "../agent-events.ts";
import type { LogRange } from "../attempt/attempts.ts";
import type { BootStrategy } from "../boot/boot.ts";
import type { FirmwareSupply } from "../firmware/firmware-supply.ts";
import type { SlotPool } from "../guest/slot-pool.ts";
import type { AgentMetrics } from "../metrics.ts";
import { Instance } from "./instance.ts";
import type { InstanceBoard } from "./instance-board.ts";
import type { InstanceRecord, InstanceStore } from "./instance-store.ts";

export interface InstancesDependencies {
  readonly slots: SlotPool;
  readonly store: InstanceStore;
  readonly boots: BootStrategy;
  readonly firmware: FirmwareSupply;
  readonly events: AgentEvents;
  readonly metrics: AgentMetrics;
  readonly log: Log;
  /** Address of raw ports. */
  readonly host: string;
  /** Where output of UARTs is copied to that shall be in the log of the agent's pod. */
  readonly console: Writable;
  /** What channels are told when the agent ends. */
  readonly farewell: string;
}

/** The instances of the agent. Each holds a slot for as long as it exists, also while it is off. */
export class Instances implements AsyncDisposable {
  readonly #dependencies: InstancesDependencies;
  readonly #instances = new Map<string, Instance>();
  /** One wish at a time: two first ones for the same instance must not both make it. */
  #lastPut: Promise<unknown> = Promise.resolve();
  #refusedHttp = 0;
  /** By uid, as it was told last. */
  readonly #told = new Map<string, string>();

  /** Takes up what a predecessor has left, and converges. */
  constructor(dependencies: InstancesDependencies) {
    this.#dependencies = dependencies;
    for (const record of dependencies.store.records) this.#resume(record);
    dependencies.metrics.countRawPortHttp(() => this.refusedHttp);
  }

  /**
   * Makes an instance as desired, from now on. The same generation again changes nothing.
   * @throws {FarmError} StaleEpoch, StaleGeneration, NotSupportedByBoard, NoFreeSlot, Draining
   */
  put(desired: DesiredState): Promise<InstanceStatus> {
    const done = this.#lastPut.then(
      () => this.#put(desired),
      () => this.#put(desired),
    );
    this.#lastPut = done;
    return done;
  }

  list(): InstanceStatus[] {
    return [...this.#instances.values()].map((instance) => instance.status());
  }

  async #put(desired: DesiredState): Promise<InstanceStatus> {
    await this.#checkEpoch(desired.epoch);
    const known = this.#instances.get(desired.uid);
    if (known && isOlder(desired, known.desired)) {
      throw new FarmError("StaleGeneration", { generation: desired.generation, current: known.desired.generation });
    }
    checkChannels(desired);
    if (!known) return (await this.#create(desired)).status();
    if (isOlder(known.desired, desired)) await known.apply(desired);
    return known.status();
  }

  /** Connections to raw ports that spoke HTTP and were closed, so far. */
  get refusedHttp(): number {
    const rawPorts = [...this.#instances.values()].flatMap(({ board }) => board?.rawPorts ?? []);
    return rawPorts.reduce((sum, { rawPort }) => sum + rawPort.refusedHttp, this.#refusedHttp);
  }

  /** @throws {FarmError} NotFound */
  get(uid: string): InstanceStatus {
    return this.#find(uid).status();
  }

  /** Ends an instance; one that is not there is fine. */
  async delete(uid: string): Promise<void> {
    const instance = this.#instances.get(uid);
    if (!instance) return;
    this.#instances.delete(uid);
    await instance.end("the instance was deleted");
    await this.#dependencies.store.delete(uid);
    this.#told.delete(uid);
    this.#dependencies.events.emit({ type: "instanceDeleted", uid });
    this.#dependencies.slots.release(instance.slot);
  }

  /** Somebody uses a channel of the instance, where there is one of that uid. */
  use(uid: string): Disposable | undefined {
    return this.#instances.get(uid)?.use();
  }

  /** @throws {FarmError} NotFound */
  board(uid: string): InstanceBoard {
    const { board } = this.#find(uid);
    if (!board) throw new FarmError("NotFound", { kind: "running instance", name: uid });
    return board;
  }

  /** @throws {FarmError} NotFound */
  readLog(uid: string, uart: string, { offset, isFollowed, signal }: LogRange): AsyncGenerator<Buffer> {
    const hub = this.board(uid).hubs.find(({ name }) => name === uart);
    if (!hub) throw new FarmError("NotFound", { kind: "log", name: `${uart} of instance ${uid}` });
    return hub.log.read(offset, { follow: isFollowed, signal });
  }

  /** Stops every guest; what is stored is started again by the next agent. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { farewell } = this.#dependencies;
    await Promise.all([...this.#instances.values()].map((instance) => instance.end(farewell)));
  }

  async #checkEpoch(epoch: number): Promise<void> {
    const { store } = this.#dependencies;
    if (epoch < store.epoch) throw new FarmError("StaleEpoch", { epoch, current: store.epoch });
    if (epoch > store.epoch) await store.raiseEpoch(epoch);
  }

  async #create(desired: DesiredState): Promise<Instance> {
    const { slots, store } = this.#dependencies;
    const record: InstanceRecord = { desired, ports: {}, restarts: 0, resetCount: desired.resetCount };
    const slot = slots.take();
    try {
      await store.save(record);
    } catch (error) {
      slots.release(slot);
      throw error;
    }
    return this.#add(record, slot);
  }

  #resume(record: InstanceRecord): void {
    const { slots, log } = this.#dependencies;
    try {
      this.#add(record, slots.take());
    } catch (error) {
      // Fewer slots than before: the instance stays stored, and whoever wants it sees that it is not here.
      log.error({ err: error, instance: record.desired.uid }, "an instance has no slot any more");
    }
  }

  #add(record: InstanceRecord, slot: Instance["slot"]): Instance {
    const { boots, firmware, log, host, console, store, metrics } = this.#dependencies;
    const { uid } = record.desired;
    const instance = new Instance(record, slot, {
      boots,
      firmware,
      log,
      host,
      console,
      logFolder: store.logFolder(uid),
      storageFolder: store.storageFolder(uid),
      save: (changed) => store.save(changed),
      onChanged: () => this.#tell(uid),
      onRestarted: () => metrics.instanceRestarted(),
      onHttpOnRawPort: (count) => {
        this.#refusedHttp += count;
      },
    });
    this.#instances.set(uid, instance);
    return instance;
  }

  /** Tells those who follow the agent, where there is something new to tell. */
  #tell(uid: string): void {
    const status = this.#instances.get(uid)?.status();
    if (!status) return;
    const text = JSON.stringify(status);
    if (this.#told.get(uid) === text) return;
    this.#told.set(uid, text);
    this.#dependencies.events.emit({ type: "instance", instance: status });
  }

  #find(uid: string): Instance {
    const instance = this.#instances.get(uid);
    if (!instance) throw new FarmError("NotFound", { kind: "instance", name: uid });
    return instance;
  }
}

/** What an older agent has stored has no revision. */
function isOlder(one: DesiredState, other: DesiredState): boolean {
  if (one.generation !== other.generation) return one.generation < other.generation;
  return (one.revision ?? 0) < (other.revision ?? 0);
}

function checkChannels({ boardName, board, channels }: DesiredState): void {
  const names = rawChannelNames(board);
  const unknown = channels.find(({ name }) => !names.includes(name));
  if (!unknown) return;
  throw new FarmError("NotSupportedByBoard", {
    what: `channel ${unknown.name}`,
    board: boardName,
    problem: `it has ${names.join(", ")}`,
  });
}
