import type { Log } from "../../log/log.ts";
import type { AgentDirectory } from "../agents/agent-directory.ts";
import { AgentStream } from "./agent-stream.ts";
import type { Instance } from "./instance.ts";

export interface AgentStreamsDependencies {
  readonly directory: Pick<AgentDirectory, "agents">;
  /** As they are at the moment of asking. */
  readonly instances: () => readonly Instance[];
  readonly log: Log;
}

/** The streams of all agents, and who is to be woken by what they tell. */
export class AgentStreams implements AsyncDisposable {
  readonly #dependencies: AgentStreamsDependencies;
  readonly #streams = new Map<string, AgentStream>();

  constructor(dependencies: AgentStreamsDependencies) {
    this.#dependencies = dependencies;
  }

  /** By address. */
  get byAddress(): ReadonlyMap<string, AgentStream> {
    return this.#streams;
  }

  /** Hears the agents from now on. */
  open(): void {
    const { directory, log } = this.#dependencies;
    for (const [address, client] of directory.agents) {
      const stream: AgentStream = new AgentStream({
        client,
        log,
        onAgent: () => this.#heard(stream),
        onInstance: (uid) => void this.#byUid(uid)?.wake(),
        onSlots: () => this.#wakeUnplaced(),
      });
      this.#streams.set(address, stream);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#streams.values()].map((stream) => stream[Symbol.asyncDispose]()));
  }

  /** An agent has told what it has, or has gone. */
  #heard(stream: AgentStream): void {
    const { address } = stream.client;
    for (const uid of stream.agentId === undefined ? [] : stream.uids) {
      if (this.#byUid(uid)?.record.agent === address) continue;
      this.#dependencies.log.info({ uid, agent: stream.name }, "an agent has an instance that is not there any more");
      stream.client.deleteInstance(uid).catch(() => {
        // It is heard again, and asked again, when its stream is back.
      });
    }
    for (const instance of this.#dependencies.instances()) {
      if (instance.record.agent === address || instance.record.agent === undefined) void instance.wake();
    }
  }

  #wakeUnplaced(): void {
    for (const instance of this.#dependencies.instances()) if (instance.isUnplaced) void instance.wake();
  }

  #byUid(uid: string): Instance | undefined {
    return this.#dependencies.instances().find(({ record }) => record.uid === uid);
  }
}
