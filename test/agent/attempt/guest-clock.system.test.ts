/** Timeouts in the time of the guest. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Boot } from "../../../src/agent/boot/boot.ts";
import { setGuestAlarm } from "../../../src/agent/boot/guest-alarm.ts";
import type { FarmError } from "../../../src/core/error/farm-error.ts";
import type { AttemptSpecInput } from "../../../src/core/wire/attempt.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { createBootLab } from "../boot/boot-lab.ts";
import { AgentLab, boardSpecOf, EventLog } from "./agent-lab.ts";

const FARM_QEMU = process.env.EMUFARM_FARM_QEMU_PATH;

async function resultOf(qemuPath: string, rest: Partial<AttemptSpecInput>) {
  await using lab = await AgentLab.start({ EMUFARM_QEMU_PATH: qemuPath });
  await using events = new EventLog(lab.client);
  await lab.client.putAttempt("guest-clock.1", await lab.spec("shell", { timeout: "60s", ...rest }));
  return await events.resultOf("guest-clock.1");
}

const never = { "wait-serial": "never said" };

test("where the emulator has no such clock, the job is refused before its start", async () => {
  const steps = [{ ...never, timeout: "10ms", clock: "guest" as const }];
  const result = await resultOf("", { scenario: { version: 1, steps } });
  expect(result).toMatchObject({ verdict: "errored", error: { code: "NotSupportedHere", class: "job" } });
  expect(result.error?.message).toBe(
    "clock: guest for board mps2-an385 cannot be had on this machine: it takes the farm's own QEMU, which npm run qemu builds.",
  );
  expect(result.steps).toMatchObject([{ outcome: "notReached", clock: "guest" }]);
  expect(result).not.toHaveProperty("emulator");
});

function alarmOf(boot: Boot, id: string, afterMs: number) {
  const { promise: end, resolve } = Promise.withResolvers<void>();
  const told: string[] = [];
  const tell = (what: string) => {
    told.push(what);
    resolve();
  };
  const [onReached, onRefused] = [() => tell("reached"), ({ code }: FarmError) => tell(code)];
  return { end, told, takeBack: setGuestAlarm(boot.qmp, { id, afterMs, onReached, onRefused }) };
}

const shell = async () => ({ format: "elf" as const, image: join(await buildFirmware(), "mps2-an385", "shell.elf") });

test("an alarm that the emulator does not take is told, and one of an emulator that has ended is nobody's", async () => {
  await using lab = await createBootLab();
  const { boot } = await lab.boot(await boardSpecOf("mps2-an385"), { firmware: await shell() });
  const refused = alarmOf(boot, "refused", 1);
  await refused.end;
  expect(refused.told).toEqual(["QmpFailed"]);
  await boot.stop();
  const late = alarmOf(boot, "late", 1);
  await expect(boot.qmp.execute("query-status")).rejects.toThrow();
  expect(late.told).toEqual([]);
});

describe("in the farm's own QEMU", () => {
  if (FARM_QEMU === undefined) {
    test.skip("it is not built here (npm run qemu)");
    return;
  }

  test("a step ends when the guest's clock says so", async () => {
    const steps = [{ "wait-serial": "> " }, { ...never, timeout: "50ms", clock: "guest" as const }];
    const result = await resultOf(FARM_QEMU, { scenario: { version: 1, steps } });
    expect(result).toMatchObject({
      verdict: "timedOut",
      error: { code: "StepTimeout", details: { clock: "guest", timeout: "50ms" } },
      steps: [
        { clock: "wall", outcome: "passed" },
        { clock: "guest", outcome: "timedOut" },
      ],
    });
  });

  test("a scenario's deadline begins anew with the guest's clock, at each power-on", async () => {
    const steps = [{ "wait-serial": "> " }, { power: "cycle" as const }, { "wait-serial": "> " }, never];
    const result = await resultOf(FARM_QEMU, { scenario: { version: 1, steps, timeout: "5s", clock: "guest" } });
    expect(result).toMatchObject({
      verdict: "timedOut",
      boots: 2,
      error: { code: "JobTimeout", details: { clock: "guest", waitingFor: expect.stringContaining("step 4") } },
    });
  });

  test("an alarm stands still with the CPU, and one that is taken back is none", async () => {
    await using lab = await createBootLab({ searchPath: [FARM_QEMU] });
    const { boot } = await lab.boot(await boardSpecOf("mps2-an385"), { firmware: await shell(), isPaused: true });
    await boot.running;
    const wanted = alarmOf(boot, "wanted", 5);
    const unwanted = alarmOf(boot, "unwanted", 4);
    await boot.qmp.execute("query-status");
    unwanted.takeBack();
    await delay(50);
    expect([wanted.told, unwanted.told]).toEqual([[], []]);
    await boot.resume();
    await wanted.end;
    expect([wanted.told, unwanted.told]).toEqual([["reached"], []]);
  });
});
