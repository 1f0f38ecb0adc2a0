import { Gauge, type Registry } from "prom-client";
import type { AgentWatches } from "./agent/agent-watches.ts";
import type { FarmCaches } from "./kubernetes/farm-caches.ts";
import { statusOfInstance } from "./kubernetes/parsed-objects.ts";

/** The part of the operator that leads; undefined while another replica does. */
export interface MeasuredTerm {
  readonly caches: FarmCaches;
  readonly agents: AgentWatches;
}

/** The operator's own figures, beside those that every Kubernetes program has. */
export function addOperatorMetrics(registry: Registry, term: () => MeasuredTerm | undefined): void {
  const registers = [registry];
  new Gauge({
    name: "emufarm_instances",
    help: "EmulatorInstances by their phase.",
    labelNames: ["phase"],
    registers,
    collect() {
      this.reset();
      for (const object of term()?.caches.instances.list() ?? []) {
        this.inc({ phase: statusOfInstance(object)?.phase ?? "Pending" });
      }
    },
  });
  new Gauge({
    name: "emufarm_agents",
    help: "Agents that the operator watches, by whether they answer.",
    labelNames: ["state"],
    registers,
    collect() {
      const agents = term()?.agents;
      const connected = agents?.connectedCount ?? 0;
      this.set({ state: "connected" }, connected);
      this.set({ state: "unreachable" }, (agents?.count ?? 0) - connected);
    },
  });
}
