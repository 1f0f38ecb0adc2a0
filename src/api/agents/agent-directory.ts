import type { AgentClient } from "../../client/agent-client.ts";

/** The agents that take the farm's jobs. */
export interface AgentDirectory extends AsyncDisposable {
  /** By address, as they are now: whoever keeps it sees agents come and go. */
  readonly agents: ReadonlyMap<string, AgentClient>;
  /** Settles when the agents that are there have been found. */
  readonly known: Promise<void>;
  /** Tells that an agent has come or gone. One that has gone is gone for good: its calls end. Returns how to stop. */
  watch(listener: () => void): () => void;
}

/** Agents that stay the same. */
export function fixedAgents(clients: readonly AgentClient[]): AgentDirectory {
  return {
    agents: new Map(clients.map((client) => [client.address, client])),
    known: Promise.resolve(),
    watch: () => () => {},
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client[Symbol.asyncDispose]();
    },
  };
}
