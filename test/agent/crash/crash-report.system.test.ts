import { readFile } from "node:fs/promises";
import { delimiter } from "node:path";
import { expect, test } from "vitest";
import type { ScenarioInput } from "../../../src/core/schema/scenario.ts";
import { AgentLab, EventLog } from "../attempt/agent-lab.ts";
import { debuggedImage } from "../gdb/gdb-lab.ts";

const FARM_QEMU = process.env.EMUFARM_FARM_QEMU_PATH;
const BOARD = "mps2-an385";

/** What becomes of a guest that is told to crash, once that shows. */
async function crash(
  env: Record<string, string>,
  word = "c",
  board = BOARD,
  shown: NonNullable<ScenarioInput["steps"]>[number] = { "expect-exit": true },
) {
  await using lab = await AgentLab.start(env);
  await using log = new EventLog(lab.client);
  const image = await readFile(await debuggedImage(board));
  const steps = [{ "wait-serial": "debugged" }, { "write-serial": word }, shown];
  const spec = await lab.specOf(image, { scenario: { version: 1, steps } }, board);
  await lab.client.putAttempt("crash-1.1", spec);
  return await log.resultOf("crash-1.1");
}

test("a crash is told with function and line, by the registers that QEMU leaves behind", async () => {
  const { verdict, error, exit } = await crash({});
  expect(verdict).toBe("failed");
  expect(error?.message).toMatch(/at crash \(.*cortex-m.c:\d+\)/);
  expect(exit?.cpu?.registers).toMatch(/R15=/);
  expect(exit?.cpu?.frames[0]).toMatchObject({ function: "crash", file: expect.stringContaining("cortex-m.c") });
});

test("without a handler for its fault, what is known is told where the stack has gone with the emulator", async () => {
  const { verdict, error, exit } = await crash({}, "vc");
  expect(verdict).toBe("failed");
  expect(error?.message).toContain("in an exception that has no handler");
  expect(exit?.cpu?.registers).toMatch(/R15=/);
});

test("without a handler for its fault, the stack tells where it was", async (context) => {
  if (FARM_QEMU === undefined) return context.skip("the farm's own QEMU is not built (npm run qemu)");
  const searched = [FARM_QEMU, process.env.EMUFARM_QEMU_PATH ?? ""].join(delimiter);
  const { error, exit } = await crash({ EMUFARM_QEMU_PATH: searched }, "vc");
  expect(error?.message).toMatch(/at crash \(.*cortex-m.c:\d+\), called from dive \(.*\); in an exception that has no/);
  expect(exit?.cpu?.frames.slice(1, 3).map(({ function: name }) => name)).toEqual(["crash", "dive"]);
});

test("where the machine is kept, the stack tells the callers", async (context) => {
  if (FARM_QEMU === undefined) return context.skip("the farm's own QEMU is not built (npm run qemu)");
  const searched = [FARM_QEMU, process.env.EMUFARM_QEMU_PATH ?? ""].join(delimiter);
  const { error, exit } = await crash({ EMUFARM_QEMU_PATH: searched });
  expect(error?.message).toMatch(/at crash \(.*cortex-m.c:\d+\)/);
  const callers = exit?.cpu?.frames.slice(1).map(({ function: name }) => name);
  expect(callers).toContain("dive");
  expect(callers).toContain("main");
  const dive = exit?.cpu?.frames.find(({ function: name }) => name === "dive");
  expect(dive).toMatchObject({ file: expect.stringContaining("debugged.c"), line: expect.any(Number) });
});

test("an AVR that meets an instruction which is none ends its emulator, and that is its crash", async () => {
  const { verdict, error } = await crash({}, "c", "uno");
  expect([verdict, error?.code]).toEqual(["failed", "GuestCrashed"]);
});

test.each(["arm-virt", "riscv32-virt", "riscv64-virt"])(
  "a fault on %s is its guest's own to handle, and no crash to anybody",
  async (board) => {
    const { verdict, exit } = await crash({}, "c", board, { "wait-serial": "FATAL: unexpected exception" });
    expect([verdict, exit?.reason]).toEqual(["passed", "Stopped"]);
  },
);
