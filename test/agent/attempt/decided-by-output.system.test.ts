/** Jobs that their output ends, while the guest would go on. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { AttemptResult, AttemptSpecInput } from "../../../src/core/wire/attempt.ts";
import { buildFirmware } from "../../firmware/build.ts";
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

  const unclean = {
    failed: { scenario: { version: 1 as const, fail: ["> "], steps: [{ "wait-serial": "never said" }] } },
    timedOut: {
      scenario: {
        version: 1 as const,
        steps: [{ "wait-serial": "> " }, { "wait-serial": "never said", timeout: "500ms" }],
      },
    },
  };
  test.each(Object.entries(unclean))(
    "after a test that has %s, the next has another process",
    async (verdict, test) => {
      await using lab = await AgentLab.start({ EMUFARM_QEMU_PATH: FARM_QEMU, EMUFARM_SLOTS: "1" });
      await using events = new EventLog(lab.client);
      /** The process that waits after a test of these. */
      const waitingAfter = async (id: string, rest: Partial<AttemptSpecInput>) => {
        await lab.client.putAttempt(id, await lab.spec("shell", { strategy: "recycle", ...rest }));
        const { verdict, emulator } = await events.resultOf(id);
        await expect.poll(async () => (await lab.client.info()).freeSlots).toBe(1);
        await expect.poll(async () => (await lab.emulators()).length).toBe(1);
        return { verdict, strategy: emulator?.strategy, pids: await lab.emulators() };
      };
      const first = await waitingAfter("first.1", { expectText: "> " });
      const bad = await waitingAfter("bad.1", test);
      expect(bad).toMatchObject({ verdict, strategy: "recycle" });
      expect(bad.pids).not.toEqual(first.pids);
      const next = await waitingAfter("next.1", { expectText: "> " });
      expect(next).toMatchObject({ verdict: "passed", strategy: "spare", pids: bad.pids });
    },
  );

  test("what a guest floods that is stopped in its midst is not in the log of the next", async () => {
    await using lab = await AgentLab.start({ EMUFARM_QEMU_PATH: FARM_QEMU, EMUFARM_SLOTS: "1" });
    await using events = new EventLog(lab.client);
    const flood = await readFile(join(await buildFirmware(), "mps2-an385", "flood.elf"));
    // Two waits: where one text decides, the emulator stops the guest by itself.
    const steps = [{ "wait-serial": "\n" }, { "wait-serial": "\n" }];
    const pids = new Set<number>();
    for (let round = 1; round <= 5; round++) {
      const flooding = { strategy: "recycle" as const, scenario: { version: 1 as const, steps } };
      await lab.client.putAttempt(`flood-${round}.1`, await lab.specOf(flood, flooding, "mps2-an385"));
      expect(await events.resultOf(`flood-${round}.1`)).toMatchObject({
        verdict: "passed",
        exit: { reason: "Stopped" },
      });
      await expect.poll(async () => (await lab.client.info()).freeSlots).toBe(1);
      await lab.client.putAttempt(
        `next-${round}.1`,
        await lab.spec("shell", { strategy: "recycle", expectText: "> " }),
      );
      const { verdict, emulator } = await events.resultOf(`next-${round}.1`);
      expect({ verdict, strategy: emulator?.strategy }).toEqual({ verdict: "passed", strategy: "recycle" });
      const log = await Array.fromAsync(lab.client.log({ attempt: `next-${round}.1` }, "uart0"));
      expect(Buffer.concat(log).toString()).toBe("emufarm shell on mps2-an385\n> ");
      await expect.poll(async () => (await lab.client.info()).freeSlots).toBe(1);
      for (const pid of await lab.emulators()) pids.add(pid);
    }
    expect(pids.size).toBe(1);
  });

  test("a test whose pins are watched sees the same end as elsewhere", async () => {
    await using lab = await AgentLab.start({ EMUFARM_QEMU_PATH: FARM_QEMU, EMUFARM_SLOTS: "1" });
    await using events = new EventLog(lab.client);
    const scenario = { version: 1 as const, pins: true, steps: [{ "wait-serial": "> " }] };
    await lab.client.putAttempt("pins.1", await lab.spec("shell", { scenario }, "microbit"));
    expect(await events.resultOf("pins.1")).toMatchObject({ verdict: "passed", exit: { reason: "Stopped" } });
  });
});
