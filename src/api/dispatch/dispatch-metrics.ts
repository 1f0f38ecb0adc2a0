import { Counter, Gauge, type Registry } from "prom-client";
import type { DispatcherQueue } from "../queue/farm-queue.ts";
import type { AgentFleet } from "./agent-fleet.ts";

export interface DispatchMetrics {
  readonly attempts: Counter;
  readonly verdicts: Counter<"verdict">;
  readonly retries: Counter<"class">;
  readonly epoch: Gauge;
  /** The fleet of the present term, for the gauges that are read when asked for. */
  setFleet(fleet: AgentFleet | undefined): void;
}

export function createDispatchMetrics(registry: Registry, pool: string, queue: DispatcherQueue): DispatchMetrics {
  const registers = [registry];
  let fleet: AgentFleet | undefined;
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });
  gauge("emufarm_waiting_jobs", "Jobs that wait for a slot.", () => queue.waitingRoom.size(pool));
  gauge(
    "emufarm_agents_connected",
    "Agents that the dispatcher is connected to.",
    () => (fleet?.links ?? []).filter((link) => link.isConnected).length,
  );
  gauge("emufarm_slots", "Slots of the agents that take work.", () => fleet?.slots ?? 0);
  gauge("emufarm_free_slots", "Slots that are free.", () => fleet?.freeSlots ?? 0);
  return {
    attempts: new Counter({ name: "emufarm_attempts_total", help: "Attempts handed to agents.", registers }),
    verdicts: new Counter({
      name: "emufarm_verdicts_total",
      help: "Verdicts of jobs.",
      labelNames: ["verdict"],
      registers,
    }),
    retries: new Counter({
      name: "emufarm_retries_total",
      help: "Attempts that did not count and were followed by another, by class of their error.",
      labelNames: ["class"],
      registers,
    }),
    epoch: new Gauge({
      name: "emufarm_dispatcher_epoch",
      help: "Epoch of this dispatcher's term; 0 while another one dispatches.",
      registers,
    }),
    setFleet(present) {
      fleet = present;
    },
  };
}
