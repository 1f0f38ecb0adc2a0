import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { AttemptResult } from "../core/wire/attempt.ts";
import type { Attempt } from "./attempt/attempt.ts";
import type { CountedBoot } from "./boot/counted-boots.ts";
import type { SlotPool } from "./guest/slot-pool.ts";

/** What the agent counts. Labels are bounded: names that callers choose are none. */
export interface AgentMetrics {
  /** A boot of an attempt or an instance has ended, or none came of it. */
  bootEnded(ended: CountedBoot): void;
  /** Bytes of a UART have come between two boots. */
  bytesDropped(bytes: number): void;
  attemptFinished(attempt: Attempt, result: AttemptResult): void;
  /** Tells where connections to raw ports are counted that spoke HTTP and were closed. */
  countRawPortHttp(count: () => number): void;
  instanceRestarted(): void;
}

const BOOT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const ATTEMPT_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];

export function createAgentMetrics(registry: Registry, slots: SlotPool): AgentMetrics {
  const registers = [registry];
  const counter = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter<Label>({ name: `emufarm_agent_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `emufarm_agent_${name}`, help, buckets, registers });
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `emufarm_agent_${name}`,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });

  gauge("slots", "Slots of the agent.", () => slots.slots);
  gauge("slots_free", "Slots that are free.", () => slots.freeSlots);
  gauge("draining", "1 when no new work is taken.", () => Number(slots.isDraining));
  const attempts = counter("attempts_total", "Attempts that have finished, by verdict.", ["verdict"]);
  const errors = counter("attempt_errors_total", "Attempts that have not passed, by the code of the error.", ["code"]);
  const attemptSeconds = histogram("attempt_duration_seconds", "From acceptance to the verdict.", ATTEMPT_SECONDS);
  const runningSeconds = histogram("boot_running_seconds", "From spawn until QMP answered.", BOOT_SECONDS);
  const firstByteSeconds = histogram("boot_first_byte_seconds", "From spawn to the first UART byte.", BOOT_SECONDS);
  const boots = counter("boots_total", "Boots that have ended, by the way they were made and how the guest ended.", [
    "strategy",
    "outcome",
  ]);
  const resets = counter("guest_resets_total", "Resets of guests in attempts.");
  const uartBytes = counter("uart_bytes_total", "Bytes that guests of attempts wrote on their UARTs.");
  const droppedBytes = counter("uart_dropped_bytes_total", "Bytes of UARTs that came after their boot or attempt.");
  const kicks = counter("uart_kicks_total", "Turns of emulators' main loops after writes to UARTs of attempts.");
  const restarts = counter("instance_restarts_total", "Restarts of instances by their restart policy.");

  return {
    bootEnded: ({ strategy, outcome }) => boots.inc({ strategy, outcome }),
    bytesDropped: (bytes) => droppedBytes.inc(bytes),
    attemptFinished({ hubs }, result) {
      const { spawnedMs = 0, runningMs, firstByteMs, totalMs } = result.timings;
      attempts.inc({ verdict: result.verdict });
      if (result.error) errors.inc({ code: result.error.code });
      attemptSeconds.observe(totalMs / 1_000);
      if (runningMs !== undefined) runningSeconds.observe((runningMs - spawnedMs) / 1_000);
      if (firstByteMs !== undefined) firstByteSeconds.observe((firstByteMs - spawnedMs) / 1_000);
      resets.inc(result.resets);
      for (const hub of hubs) {
        uartBytes.inc(hub.totalBytes);
        kicks.inc(hub.kicks);
        droppedBytes.inc(hub.staleBytes);
      }
    },
    countRawPortHttp(count) {
      let counted = 0;
      new Counter({
        name: "emufarm_agent_raw_port_http_total",
        help: "Connections to raw ports that spoke HTTP and were closed.",
        registers,
        collect() {
          const total = count();
          this.inc(total - counted);
          counted = total;
        },
      });
    },
    instanceRestarted: () => restarts.inc(),
  };
}
