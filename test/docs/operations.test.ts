import { readFileSync } from "node:fs";
import type { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import type { SlotPool } from "../../src/agent/guest/slot-pool.ts";
import { createAgentMetrics } from "../../src/agent/metrics.ts";
import { createDispatchMetrics } from "../../src/api/dispatch/dispatch-metrics.ts";
import type { DispatcherQueue } from "../../src/api/queue/farm-queue.ts";
import { createMetrics } from "../../src/http/process-metrics.ts";
import { createKubeMetrics } from "../../src/kube/kube-metrics.ts";
import { resourcesOf } from "../../src/operator/kubernetes/agent-pod.ts";
import { addOperatorMetrics } from "../../src/operator/operator-metrics.ts";
import { aBoard } from "../gen/board.ts";

const page = readFileSync("docs/operations.md", "utf8");

/** Rows of the page's tables that begin with the name of a metric: its labels, and what it is. */
const told = new Map(
  [...page.matchAll(/^\| `([a-z_]+)` \| ([a-z, ]*) \| (.+) \|$/gm)].map(([, name = "", labels = "", help = ""]) => [
    name,
    `${labels.trim()}: ${help}`,
  ]),
);

/** Told by the server of every part, as long as it serves. */
const OF_SERVERS = "emufarm_http_requests_total";

function allMetrics(): Map<string, string> {
  const registry: Registry = createMetrics();
  // Values are read when somebody asks for them: here only names are.
  createAgentMetrics(registry, {} as SlotPool).countRawPortHttp(() => 0);
  createDispatchMetrics(registry, "default", {} as DispatcherQueue);
  createKubeMetrics(registry);
  addOperatorMetrics(registry, () => undefined);
  const metrics = registry.getMetricsAsArray() as { name: string; help: string; labelNames?: string[] }[];
  return new Map(metrics.map(({ name, help, labelNames = [] }) => [name, `${labelNames.join(", ")}: ${help}`]));
}

describe("docs/operations.md", () => {
  it("lists every metric that there is, with its labels, and no other", () => {
    const listed = new Map([...told].filter(([name]) => name !== OF_SERVERS));
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(allMetrics()));
    expect(told.has(OF_SERVERS)).toBe(true);
  });

  it("has alerts on metrics that are there", () => {
    const named = new Set(
      [...page.matchAll(/\b(?:emufarm|leader_election|kubelet_volume)_[a-z_]+\b/g)].map(([name]) => name),
    );
    const unknown = [...named].filter((name) => !told.has(name) && !name.startsWith("kubelet_volume_stats_"));
    expect(unknown).toEqual([]);
  });

  it("reckons what slots need as the operator does", () => {
    const board = { ...aBoard(), overheadMiB: 128 };
    const { memoryMiB } = resourcesOf({ ...board, memory: { ...board.memory, ramMiB: 16 } }, 8);
    expect(page).toContain(`= ${memoryMiB} MiB`);
  });
});
