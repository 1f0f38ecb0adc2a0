/** Jobs that their output ends, while the guest would go on. */
import { describe, expect, test } from "vitest";
import type { AttemptResult } from "../../../src/core/wire/attempt.ts";
import { AgentLab, EventLog } from "./agent-lab.ts";

const FARM_QEMU = process.env.EMUFARM_FARM_QEMU_PATH;

describe("in the farm's own QEMU", () => {
  if (FARM_QEMU === undefined) {
    test.skip("it is not built here (npm run qemu)");
    return;
  }

  test("verdict, end and log are those of a process of its own where the process is kept, and kept it is", async () => {
    await using lab = await AgentLab.start({ EMUFARM_QEMU_PATH: FARM_QEMU, EMUFARM_SLOTS: "1" });
    await using events = new EventLog(lab.client);
    const results: AttemptResult[] = [];
    const pids: number[][] = [];
    for (const strategy of ["spawn", "recycle", "recycle"] as const) {
      const id = `decided-${results.length}.1`;
      await lab.client.putAttempt(id, await lab.spec("shell", { strategy, expectText: "\n> " }));
      results.push(await events.resultOf(id));
      await expect.poll(async () => (await lab.client.info()).freeSlots).toBe(1);
      pids.push(await lab.emulators());
    }
    const told = results.map(({ verdict, exit, logs, lastLines, resets, boots }) => {
      return { verdict, exit, logs, lastLines, resets, boots };
    });
    expect(told[0]).toMatchObject({ verdict: "passed", exit: { reason: "Stopped" } });
    expect(told[0]?.lastLines).toEqual(["emufarm shell on mps2-an385", "> "]);
    expect([told[1], told[2]]).toEqual([told[0], told[0]]);
    expect(results[2]?.emulator).toMatchObject({ strategy: "recycle" });
    expect(pids[2]).toEqual(pids[1]);
  });

  const deciding = {
    expectText: { expectText: "shell" },
    "the one wait of a scenario": { scenario: { version: 1 as const, steps: [{ "wait-serial": "shell" }] } },
  };
  test.each(Object.entries(deciding))("a log ends with the last byte of what decides, by %s", async (_what, test) => {
    await using lab = await AgentLab.start({ EMUFARM_QEMU_PATH: FARM_QEMU, EMUFARM_SLOTS: "1" });
    await using events = new EventLog(lab.client);
    for (const strategy of ["spawn", "spare", "recycle"] as const) {
      await lab.client.putAttempt(`${strategy}.1`, await lab.spec("shell", { strategy, ...test }));
      const { verdict, exit, lastLines, logs } = await events.resultOf(`${strategy}.1`);
      expect({ verdict, exit }).toEqual({ verdict: "passed", exit: { reason: "Stopped" } });
      expect(lastLines).toEqual(["emufarm shell"]);
      expect(logs.find(({ uart }) => uart === "uart0")?.bytes).toBe("emufarm shell".length);
      await expect.poll(async () => (await lab.client.info()).freeSlots).toBe(1);
    }
  });

  test("a test whose pins are watched sees the same end as elsewhere", async () => {
    await using lab = await AgentLab.start({ EMUFARM_QEMU_PATH: FARM_QEMU, EMUFARM_SLOTS: "1" });
    await using events = new EventLog(lab.client);
    const scenario = { version: 1 as const, pins: true, steps: [{ "wait-serial": "> " }] };
    await lab.client.putAttempt("pins.1", await lab.spec("shell", { scenario }, "microbit"));
    expect(await events.resultOf("pins.1")).toMatchObject({ verdict: "passed", exit: { reason: "Stopped" } });
  });
});
