import { FarmError } from "../core/error/farm-error.ts";
import type { ObservedAgent } from "../core/policy/instance-observation.ts";
import type { AgentEvent } from "../core/wire/agent-event.ts";
import type { DesiredStateInput, InstanceStatus } from "../core/wire/desired-state.ts";
import type { AgentClient, EventSelection } from "./agent-client.ts";
import { BackOff } from "./back-off.ts";
import { followEvents } from "./follow-events.ts";

export interface AgentPresenceOptions {
  readonly client: AgentClient;
  readonly selection?: EventSelection;
  /** How long an agent may be silent before it counts as lost, from the first attempt to reach it. */
  readonly lossMs: number;
  /** True for one that is just starting: it is tried again and again quickly until it has answered once. */
  readonly isStarting?: boolean;
  /** What a person is told of a lost agent. */
  readonly lossMessage: (problem: string) => string;
  /** The agent has told something; what it says of instances is known already. Must not throw; likewise below. */
  readonly onEvent: (event: AgentEvent) => void;
  /** The stream has broken, or could not be opened. */
  readonly onBroken: (error: unknown) => void;
  readonly onLost: () => void;
}

const RECONNECT = { firstMs: 100, longestMs: 2_000 };
/** For 5 s at least: an agent that starts refuses connections until it serves, which costs neither side anything. */
const EAGER = { everyMs: 50, tries: 100 };

/** Whether an agent is there, and what it says of instances: heard anew whenever its event stream breaks. */
export class AgentPresence implements AsyncDisposable {
  readonly #options: AgentPresenceOptions;
  readonly #backOff: BackOff;
  readonly #closing = new AbortController();
  readonly #instances = new Map<string, InstanceStatus>();
  readonly #done: Promise<void>;
  #state: ObservedAgent["state"] = "connecting";
  #agentId: string | undefined;
  #lossTimer: NodeJS.Timeout | undefined;
  #problem = "it has not answered yet";

  constructor(options: AgentPresenceOptions) {
    this.#options = options;
    this.#backOff = new BackOff({ ...RECONNECT, ...(options.isStarting && { eager: EAGER }) });
    this.#startLossTimer();
    const { signal } = this.#closing;
    this.#done = followEvents({
      open: () => options.client.events(signal, options.selection),
      onEvent: (event) => this.#apply(event),
      onBroken: (error) => this.#broken(error),
      signal,
      backOff: this.#backOff,
    });
  }

  get isConnected(): boolean {
    return this.#state === "connected";
  }

  /** The process that is heard now; undefined while none is. */
  get agentId(): string | undefined {
    return this.isConnected ? this.#agentId : undefined;
  }

  /** Uids of what the agent has. */
  get uids(): readonly string[] {
    return [...this.#instances.keys()];
  }

  /** The agent, with the instance of this uid. */
  observe(uid: string): ObservedAgent {
    if (this.#state === "connected") return { state: "connected", instance: this.#instances.get(uid) };
    if (this.#state === "connecting") return { state: "connecting" };
    return { state: "lost", problem: { reason: "AgentLost", message: this.#options.lossMessage(this.#problem) } };
  }

  /** There is a reason to believe that the agent answers now: it is not waited any longer to try again. */
  hurry(): void {
    this.#backOff.hurry();
  }

  /**
   * Tells the agent what an instance shall be; what it answers is known at once, before an event tells the same. Where
   * an event of the instance came meanwhile, on a connection of its own, that may be the newer one, and the last one
   * is never older: the answer is left.
   */
  async putDesired(desired: DesiredStateInput, signal?: AbortSignal): Promise<void> {
    const { uid } = desired;
    const before = this.#instances.get(uid);
    const answer = await this.#options.client.putDesired(desired, signal);
    if (this.isConnected && this.#instances.get(uid) === before) this.#instances.set(uid, answer);
  }

  forget(uid: string): void {
    this.#instances.delete(uid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new FarmError("Cancelled", { reason: "the agent is not followed any more" }));
    clearTimeout(this.#lossTimer);
    await this.#done;
  }

  #apply(event: AgentEvent): void {
    if (event.type === "hello") this.#connected(event);
    else if (event.type === "instance") this.#instances.set(event.instance.uid, event.instance);
    else if (event.type === "instanceDeleted") this.#instances.delete(event.uid);
    this.#options.onEvent(event);
  }

  #connected({ agentId, instances }: Extract<AgentEvent, { type: "hello" }>): void {
    clearTimeout(this.#lossTimer);
    this.#lossTimer = undefined;
    this.#state = "connected";
    this.#agentId = agentId;
    this.#instances.clear();
    for (const instance of instances) this.#instances.set(instance.uid, instance);
  }

  #broken(error: unknown): void {
    this.#problem = FarmError.from(error).message.replace(/[.]$/, "");
    if (this.isConnected) this.#state = "connecting";
    this.#startLossTimer();
    this.#options.onBroken(error);
  }

  #startLossTimer(): void {
    if (this.#state === "lost") return;
    this.#lossTimer ??= setTimeout(() => {
      this.#lossTimer = undefined;
      this.#state = "lost";
      this.#options.onLost();
    }, this.#options.lossMs);
  }
}
