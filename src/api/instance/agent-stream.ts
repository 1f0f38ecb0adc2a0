import { basename } from "node:path";
import type { AgentClient } from "../../client/agent-client.ts";
import { AgentPresence } from "../../client/agent-presence.ts";
import type { ObservedAgent } from "../../core/policy/instance-observation.ts";
import type { AgentEvent } from "../../core/wire/agent-event.ts";
import type { DesiredStateInput } from "../../core/wire/desired-state.ts";
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

/** An agent that is started again is back sooner. */
const LOSS_MS = 10_000;

/** What one agent says of instances, heard again whenever the stream breaks. */
export class AgentStream implements AsyncDisposable {
  readonly client: AgentClient;
  readonly #dependencies: AgentStreamDependencies;
  readonly #presence: AgentPresence;

  constructor(dependencies: AgentStreamDependencies) {
    const { client, log, onAgent } = dependencies;
    this.#dependencies = dependencies;
    this.client = client;
    this.#presence = new AgentPresence({
      client,
      selection: { hasAttempts: false },
      lossMs: LOSS_MS,
      lossMessage: (problem) => `${this.name} does not answer: ${problem}. Its boards may run on.`,
      onEvent: (event) => this.#tell(event),
      onBroken(error) {
        log.debug({ err: error, agent: client.address }, "no connection to the agent");
        onAgent();
      },
      onLost: onAgent,
    });
  }

  /** For people. */
  get name(): string {
    return agentName(this.client.address);
  }

  /** The process that is heard now; undefined while none is. */
  get agentId(): string | undefined {
    return this.#presence.agentId;
  }

  /** Uids of what the agent has. */
  get uids(): readonly string[] {
    return this.#presence.uids;
  }

  /** The agent, with the instance of this uid. */
  observe(uid: string): ObservedAgent {
    return this.#presence.observe(uid);
  }

  /** Tells the agent what an instance shall be; what it answers can be observed at once. */
  putDesired(desired: DesiredStateInput): Promise<void> {
    return this.#presence.putDesired(desired);
  }

  forget(uid: string): void {
    this.#presence.forget(uid);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#presence[Symbol.asyncDispose]();
  }

  #tell(event: AgentEvent): void {
    const { onAgent, onInstance, onSlots } = this.#dependencies;
    switch (event.type) {
      case "hello":
        onAgent();
        return;
      case "instance":
        onInstance(event.instance.uid);
        return;
      case "instanceDeleted":
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
}

/** `agent0` of `unix:/run/.../agent0.sock`. */
export function agentName(address: string): string {
  return basename(address, ".sock");
}
