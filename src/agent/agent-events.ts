import type { AgentEvent } from "../core/wire/agent-event.ts";

export type AgentEventListener = (event: AgentEvent) => void;

/** What happens in the agent, for those who follow it. */
export interface AgentEvents {
  emit(event: AgentEvent): void;
  /** Called synchronously, in order; must not throw. Returns how to stop. */
  on(listener: AgentEventListener): () => void;
}

export function createAgentEvents(): AgentEvents {
  const listeners = new Set<AgentEventListener>();
  return {
    emit(event) {
      for (const listener of listeners) listener(event);
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
