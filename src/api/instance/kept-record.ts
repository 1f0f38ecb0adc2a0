import type { EmulatorInstanceStatus } from "../../core/schema/emulator-instance-status.ts";
import type { StoredInstance } from "./instance-record.ts";
import type { InstanceWorld } from "./instance-world.ts";
import { Turns } from "./turns.ts";

/** What a status says may be this old in the store; callers get the newest. */
const STATUS_DELAY_MS = 500;

/** The record of one instance as it is now, and its way into the store. */
export class KeptRecord implements AsyncDisposable {
  readonly #world: Pick<InstanceWorld, "save" | "log">;
  readonly #writes = new Turns();
  #now: StoredInstance;
  #statusTimer: NodeJS.Timeout | undefined;

  constructor(record: StoredInstance, world: Pick<InstanceWorld, "save" | "log">) {
    this.#now = record;
    this.#world = world;
  }

  get now(): StoredInstance {
    return this.#now;
  }

  /** Settles when the change is in the store. */
  change(change: (record: StoredInstance) => StoredInstance): Promise<void> {
    return this.#writes.take(async () => {
      const record = change(this.#now);
      await this.#world.save(record);
      // The status may have become another one meanwhile.
      this.#now = { ...record, status: this.#now.status };
    });
  }

  set(fields: Partial<StoredInstance>): Promise<void> {
    return this.change((record) => ({ ...record, ...fields }));
  }

  /** Known at once, stored soon. */
  setStatus(status: EmulatorInstanceStatus): void {
    this.#now = { ...this.#now, status };
    this.#statusTimer ??= setTimeout(() => this.#storeStatus(), STATUS_DELAY_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#statusTimer) this.#storeStatus();
    await this.#writes.taken();
  }

  #storeStatus(): void {
    clearTimeout(this.#statusTimer);
    this.#statusTimer = undefined;
    this.change((record) => record).catch((error: unknown) => {
      // The next change is stored with this one.
      this.#world.log.error({ err: error, instance: this.#now.name }, "the status of an instance is not stored");
    });
  }
}
