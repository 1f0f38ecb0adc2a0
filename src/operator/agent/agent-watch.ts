import type { AgentClient } from "../../client/agent-client.ts";
import { followEvents } from "../../client/follow-events.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { ObservedAgent } from "../../core/policy/instance-observation.ts";
import type { AgentEvent } from "../../core/wire/agent-event.ts";
import type { InstanceStatus } from "../../core/wire/desired-state.ts";
import type { Log } from "../../log/log.ts";

export interface AgentWatchDependencies {
  readonly client: AgentClient;
  /** Told which certificate the agent shows; ends with the watch. */
  readonly renewal: Disposable & { follow(certificate: string): void };
  /** The agent has told something new, or is known to be lost. Must not throw. */
  readonly onChange: () => void;
  readonly log: Log;
  /** How long an agent may be silent before it counts as lost, from this operator's own first attempt. */
  readonly lossMs: number;
}

/** What an agent says of its slots. */
export interface AgentSlots {
  readonly slots: number;
  readonly freeSlots: number;
  readonly isDraining: boolean;
}

const RECONNECT = { firstMs: 100, longestMs: 2_000 };

/** The event stream of one agent, opened again whenever it breaks. */
export class AgentWatch implements AsyncDisposable {
  readonly client: AgentClient;
  readonly #dependencies: AgentWatchDependencies;
  readonly #closing = new AbortController();
  readonly #instances = new Map<string, InstanceStatus>();
  readonly #done: Promise<void>;
  #state: "connecting" | "connected" | "lost" = "connecting";
  #slots: AgentSlots | undefined;
  #lossTimer: NodeJS.Timeout | undefined;
  #problem = "it has not answered yet";

  constructor(dependencies: AgentWatchDependencies) {
    this.#dependencies = dependencies;
    this.client = dependencies.client;
    this.#startLossTimer();
    const { signal } = this.#closing;
    this.#done = followEvents({
      open: () => this.client.events(signal),
      onEvent: (event) => this.#apply(event),
      onBroken: (error) => this.#disconnected(error),
      signal,
      pauses: RECONNECT,
    });
  }

  /** The agent, with the instance of this uid. */
  observe(uid: string): ObservedAgent {
    if (this.#state === "connected") return { state: "connected", instance: this.#instances.get(uid) };
    if (this.#state === "connecting") return { state: "connecting" };
    return {
      state: "lost",
      problem: { reason: "AgentLost", message: `The agent does not answer: ${this.#problem}. Its board may run on.` },
    };
  }

  get isConnected(): boolean {
    return this.#state === "connected";
  }

  /** As the agent said last; undefined before it has said anything. */
  get slots(): AgentSlots | undefined {
    return this.#slots;
  }

  /** What the agent has answered to a request, which may come before the event that tells the same. */
  learn(instance: InstanceStatus): void {
    if (this.#state === "connected") this.#instances.set(instance.uid, instance);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new FarmError("Cancelled", { reason: "the operator no longer watches the agent" }));
    clearTimeout(this.#lossTimer);
    this.#dependencies.renewal[Symbol.dispose]();
    await this.#done;
    await this.client[Symbol.asyncDispose]();
  }

  #apply(event: AgentEvent): void {
    switch (event.type) {
      case "hello":
        clearTimeout(this.#lossTimer);
        this.#lossTimer = undefined;
        this.#state = "connected";
        this.#slots = { slots: event.slots, freeSlots: event.freeSlots, isDraining: event.isDraining };
        if (event.certificate !== undefined) this.#dependencies.renewal.follow(event.certificate);
        this.#instances.clear();
        for (const instance of event.instances) this.#instances.set(instance.uid, instance);
        break;
      case "instance":
        this.#instances.set(event.instance.uid, event.instance);
        break;
      case "instanceDeleted":
        this.#instances.delete(event.uid);
        break;
      case "slots":
        if (this.#slots) this.#slots = { ...this.#slots, freeSlots: event.freeSlots, isDraining: event.isDraining };
        break;
      case "attemptRunning":
      case "attemptReady":
      case "attemptFinished":
        return;
    }
    this.#dependencies.onChange();
  }

  #disconnected(error: unknown): void {
    this.#problem = FarmError.from(error).message;
    this.#dependencies.log.debug({ err: error, agent: this.client.address }, "no connection to the agent");
    if (this.#state === "connected") this.#state = "connecting";
    this.#startLossTimer();
  }

  #startLossTimer(): void {
    if (this.#state === "lost") return;
    this.#lossTimer ??= setTimeout(() => {
      this.#lossTimer = undefined;
      this.#state = "lost";
      this.#dependencies.onChange();
    }, this.#dependencies.lossMs);
  }
}
