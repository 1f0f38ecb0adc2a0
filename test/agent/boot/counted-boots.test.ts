import { Registry } from "prom-client";
import { expect, it } from "vitest";
import type { Boot, BootRequest, BootStrategy } from "../../../src/agent/boot/boot.ts";
import { countedBoots } from "../../../src/agent/boot/counted-boots.ts";
import { createSlotPool } from "../../../src/agent/guest/slot-pool.ts";
import { createAgentMetrics } from "../../../src/agent/metrics.ts";
import { Progress } from "../../../src/agent/progress.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import type { GuestExit } from "../../../src/core/wire/attempt.ts";

const REQUEST = { strategy: "auto" } as BootRequest;

it("counts boots by their way and their end, also those that none came of", async () => {
  const registry = new Registry();
  const metrics = createAgentMetrics(
    registry,
    createSlotPool([], () => {}),
  );
  const ends: Promise<GuestExit>[] = [
    Promise.resolve({ reason: "GuestExited", code: 3 }),
    Promise.resolve({ reason: "GuestExited", code: 0 }),
    Promise.resolve({ reason: "Stopped" }),
  ];
  const made: BootStrategy = {
    async boot() {
      const exited = ends.shift();
      if (!exited) throw new FarmError("EmulatorStartFailed", { detail: "no memory" });
      return { strategy: "spare", exited } as unknown as Boot;
    },
    rank: () => 2,
  };
  using progress = new Progress();
  const boots = countedBoots(made, metrics.bootEnded);
  for (let count = 0; count < 3; count += 1) await (await boots.boot(REQUEST, progress)).exited;
  await expect(boots.boot(REQUEST, progress)).rejects.toMatchObject({ code: "EmulatorStartFailed" });
  const lines = (await registry.metrics()).split("\n").filter((line) => line.startsWith("emufarm_agent_boots_total{"));
  expect(lines.sort()).toEqual([
    'emufarm_agent_boots_total{strategy="auto",outcome="NotStarted"} 1',
    'emufarm_agent_boots_total{strategy="spare",outcome="GuestExited"} 2',
    'emufarm_agent_boots_total{strategy="spare",outcome="Stopped"} 1',
  ]);
});
