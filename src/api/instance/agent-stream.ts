import { basename } from "node:path";
import type { AgentClient } from "../../client/agent-client.ts";
import { BackOff } from "../../client/back-off.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { ObservedAgent } from "../../core/policy/instance-observation.ts";
import type { AgentEvent } from "../../core/wire/agent-event.ts";
import type { InstanceStatus } from "../../core/wire/desired-state.ts";
import type { Log } from "../../log/log.ts";

export interface AgentStreamDependencies {
  readonly client: AgentClient;
  readonly log: Log;
  /** The agent has told all that it has, or is known to be lost. */
  readonly onAgent: () => void;
  /** It has told something about the instance of this uid. */
  readonly onInstance: (uid: string) => void;
  /** A slot has become free, or taken. */
  readonly onSlots: () => void;
}

const RECONNECT = { firstMs: 100, longestMs: 2_000 };
/** An agent that is started again is back sooner. */
const LOSS_MS = 10_000;

/** What one agent says of instances, heard again whenever the stream breaks. */
export class AgentStream implements AsyncDisposable {
  readonly client: AgentClient;
  readonly #dependencies: AgentStreamDependencies;
  readonly #closing = new AbortController();
  readonly #instances = new Map<string, InstanceStatus>();
  readonly #done: Promise<void>;
  #state: "connecting" | "connected" | "lost" = "connecting";
  #agentId: string | undefined;
  #lossTimer: NodeJS.Timeout | undefined;
  #problem = "it has not answered yet";

  constructor(dependencies: AgentStreamDependencies) {
    this.#dependencies = dependencies;
    this.client = dependencies.client;
    this.#startLossTimer();
    this.#done = this.#run();
  }

  /** For people. */
  get name(): string {
    return agentName(this.client.address);
  }

  /** The process that is heard now; undefined while none is. */
  get agentId(): string | undefined {
    return this.#state === "connected" ? this.#agentId : undefined;
  }

  /** Uids of what the agent has. */
  get uids(): readonly string[] {
    return [...this.#instances.keys()];
  }

  /** The agent, with the instance of this uid. */
  observe(uid: string): ObservedAgent {
    if (this.#state === "connected") return { state: "connected", instance: this.#instances.get(uid) };
    if (this.#state === "connecting") return { state: "connecting" };
    const message = `${this.name} does not answer: ${this.#problem}. Its boards may run on.`;
    return { state: "lost", problem: { reason: "AgentLost", message } };
  }

  /** What the agent has answered to a request, which may come before the event that tells the same. */
  learn(instance: InstanceStatus): void {
    if (this.#state === "connected") this.#instances.set(instance.uid, instance);
  }

  forget(uid: string): void {
    this.#instances.delete(uid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new FarmError("Cancelled", { reason: "the farm ends" }));
    clearTimeout(this.#lossTimer);
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const backOff = new BackOff(RECONNECT);
    while (!signal.aborted) {
      try {
        for await (const event of this.client.events(signal, { hasAttempts: false })) {
          this.#apply(event);
          backOff.reset();
        }
      } catch (error) {
        // Whatever the reason, the way on is the same: connect again, and hear what the agent has.
        if (signal.aborted) return;
        this.#disconnected(error);
      }
      // Interrupted by the end of the stream, which the loop sees.
      await backOff.pause(signal).catch(() => {});
    }
  }

  #apply(event: AgentEvent): void {
    const { onAgent, onInstance, onSlots } = this.#dependencies;
    switch (event.type) {
      case "hello":
        clearTimeout(this.#lossTimer);
        this.#lossTimer = undefined;
        this.#state = "connected";
        this.#agentId = event.agentId;
        this.#instances.clear();
        for (const instance of event.instances) this.#instances.set(instance.uid, instance);
        onAgent();
        return;
      case "instance":
        this.#instances.set(event.instance.uid, event.instance);
        onInstance(event.instance.uid);
        return;
      case "instanceDeleted":
        this.#instances.delete(event.uid);
        onInstance(event.uid);
        return;
      case "slots":
        onSlots();
        return;
      // The dispatcher's.
      case "attemptRunning":
      case "attemptReady":
      case "attemptFinished":
        return;
    }
  }

  #disconnected(error: unknown): void {
    this.#problem = FarmError.from(error).message.replace(/[.]$/, "");
    this.#dependencies.log.debug({ err: error, agent: this.client.address }, "no connection to the agent");
    if (this.#state === "connected") this.#state = "connecting";
    this.#startLossTimer();
    this.#dependencies.onAgent();
  }

  #startLossTimer(): void {
    if (this.#state === "lost") return;
    this.#lossTimer ??= setTimeout(() => {
      this.#lossTimer = undefined;
      this.#state = "lost";
      this.#dependencies.onAgent();
    }, LOSS_MS);
  }
}

/** `agent0` of `unix:/run/.../agent0.sock`. */
export function agentName(address: string): string {
  return basename(address, ".sock");
}
