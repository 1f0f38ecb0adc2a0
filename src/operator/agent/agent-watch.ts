import type { AgentClient } from "../../client/agent-client.ts";
import { AgentPresence } from "../../client/agent-presence.ts";
import type { ObservedAgent } from "../../core/policy/instance-observation.ts";
import type { AgentEvent } from "../../core/wire/agent-event.ts";
import type { DesiredStateInput } from "../../core/wire/desired-state.ts";
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
  /** True for an agent that is just starting. */
  readonly isStarting: boolean;
}

/** What an agent says of its slots. */
export interface AgentSlots {
  readonly slots: number;
  readonly freeSlots: number;
  readonly isDraining: boolean;
}

/** The event stream of one agent, opened again whenever it breaks. */
export class AgentWatch implements AsyncDisposable {
  readonly client: AgentClient;
  readonly #dependencies: AgentWatchDependencies;
  readonly #presence: AgentPresence;
  #slots: AgentSlots | undefined;
  #isPodReady = false;

  constructor(dependencies: AgentWatchDependencies) {
    const { client, log, lossMs, isStarting, onChange } = dependencies;
    this.#dependencies = dependencies;
    this.client = client;
    this.#presence = new AgentPresence({
      client,
      lossMs,
      isStarting,
      lossMessage: (problem) => `The agent does not answer: ${problem}. Its board may run on.`,
      onEvent: (event) => this.#apply(event),
      onBroken: (error) => log.debug({ err: error, agent: client.address }, "no connection to the agent"),
      onLost: onChange,
    });
  }

  /** The agent, with the instance of this uid. */
  observe(uid: string): ObservedAgent {
    return this.#presence.observe(uid);
  }

  get isConnected(): boolean {
    return this.#presence.isConnected;
  }

  /** What the kubelet says of the pod: in one that has become ready the agent answers. */
  noteReadiness(isPodReady: boolean): void {
    if (isPodReady && !this.#isPodReady) this.#presence.hurry();
    this.#isPodReady = isPodReady;
  }

  /** As the agent said last; undefined before it has said anything. */
  get slots(): AgentSlots | undefined {
    return this.#slots;
  }

  /** Tells the agent what an instance shall be; what it answers can be observed at once. */
  putDesired(desired: DesiredStateInput, signal: AbortSignal): Promise<void> {
    return this.#presence.putDesired(desired, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dependencies.renewal[Symbol.dispose]();
    await this.#presence[Symbol.asyncDispose]();
    await this.client[Symbol.asyncDispose]();
  }

  #apply(event: AgentEvent): void {
    switch (event.type) {
      case "hello":
        this.#slots = { slots: event.slots, freeSlots: event.freeSlots, isDraining: event.isDraining };
        if (event.certificate !== undefined) this.#dependencies.renewal.follow(event.certificate);
        break;
      case "slots":
        if (this.#slots) this.#slots = { ...this.#slots, freeSlots: event.freeSlots, isDraining: event.isDraining };
        break;
      case "instance":
      case "instanceDeleted":
        break;
      case "attemptRunning":
      case "attemptReady":
      case "attemptFinished":
        return;
    }
    this.#dependencies.onChange();
  }
}
