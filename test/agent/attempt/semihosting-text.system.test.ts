/** What guests say by semihosting, beside their UARTs. */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { AttemptResult, AttemptSpecInput } from "../../../src/core/wire/attempt.ts";
import { useTestFirmware } from "../../qemu/test-firmware.ts";
import { AgentLab, EventLog, readUntil } from "./agent-lab.ts";

const FARM_QEMU = process.env.EMUFARM_FARM_QEMU_PATH;
const SAID = "a line\nanother\n";
const scenario = {
  version: 1 as const,
  steps: [
    { "wait-serial": { text: "another", uart: "semihosting" } },
    { "wait-serial": "no such call: refused" },
    { "expect-exit": 0 },
  ],
};

function logOf({ logs }: AttemptResult, name: string): string | undefined {
  const log = logs.find(({ uart }) => uart === name);
  return log && Buffer.from(log.base64 ?? "", "base64").toString();
}

test("stock QEMU cannot tell it without opening the host: a scenario about it is refused before its start", async () => {
  await using lab = await AgentLab.start();
  await using events = new EventLog(lab.client);
  await lab.client.putAttempt("stock.1", await lab.spec("hello", { scenario }));
  const result = await events.resultOf("stock.1");
  expect(result).toMatchObject({ verdict: "errored", error: { code: "NotSupportedHere", class: "job" } });
  expect(result.error?.message).toBe(
    "uart: semihosting for board mps2-an385 cannot be had on this machine: it takes the farm's own QEMU, which npm run qemu builds.",
  );
  await lab.client.putAttempt("stock.2", await lab.spec("hello"));
  const { verdict, logs } = await events.resultOf("stock.2");
  expect(verdict).toBe("passed");
  expect(logs.map(({ uart }) => uart)).not.toContain("semihosting");
});

describe("in the farm's own QEMU", () => {
  if (FARM_QEMU === undefined) {
    test.skip("it is not built here (npm run qemu)");
    return;
  }
  const boards = ["mps2-an385", "arm-virt", "riscv32-virt"];
  const image = useTestFirmware(boards, ["console"]);
  const start = () => AgentLab.start({ EMUFARM_QEMU_PATH: FARM_QEMU, EMUFARM_SLOTS: "1" });

  /** Runs the guest that talks, and gives its slot back. */
  async function run(lab: AgentLab, board: string, rest: Partial<AttemptSpecInput>) {
    await using events = new EventLog(lab.client);
    const id = `${rest.strategy ?? "auto"}-${randomUUID()}.1`;
    await lab.client.putAttempt(id, await lab.specOf(await readFile(image(board, "console")), rest, board));
    const result = await events.resultOf(id);
    await expect.poll(async () => (await lab.client.info()).freeSlots, { timeout: 30_000 }).toBe(1);
    return { id, result };
  }

  test.each(boards)(
    "it is a channel that a scenario waits on, with a log of its own for each guest: %s",
    async (board) => {
      await using lab = await start();
      for (const strategy of ["spawn", "recycle", "recycle"] as const) {
        const { id, result } = await run(lab, board, { scenario, strategy });
        expect(result.verdict).toBe("passed");
        expect(logOf(result, "semihosting")).toBe(SAID);
        expect(logOf(result, "uart0")).not.toContain("another");
        expect(await readUntil(lab.client.log({ attempt: id }, "semihosting", {}), "another\n")).toBe(SAID);
      }
    },
  );

  test("a fail pattern sees it", async () => {
    await using lab = await start();
    const { result } = await run(lab, "mps2-an385", { scenario: { ...scenario, fail: ["anot"] } });
    expect(result).toMatchObject({ verdict: "failed", error: { code: "FailPatternMatched" } });
  });

  test("a guest that says nothing there has no log of it", async () => {
    await using lab = await start();
    await using events = new EventLog(lab.client);
    await lab.client.putAttempt("silent.1", await lab.spec("hello"));
    const { verdict, logs } = await events.resultOf("silent.1");
    expect(verdict).toBe("passed");
    expect(logs.map(({ uart }) => uart)).not.toContain("semihosting");
  });
});
