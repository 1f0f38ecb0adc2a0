/** Scenarios about pins, on real boards, through an agent. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { boardGpio } from "../../../src/core/schema/board-gpio.ts";
import type { ScenarioInput } from "../../../src/core/schema/scenario.ts";
import type { AttemptSpecInput } from "../../../src/core/wire/attempt.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { AgentLab, boardSpecOf, EventLog } from "./agent-lab.ts";
import { shareAgent } from "./shared-agent.ts";

const run = promisify(execFile);
const agent = shareAgent("pins");
/** Python with a reader of dumps; undefined where PyPI could not be had. */
const PYTHON = process.env.EMUFARM_TEST_PYTHON;
const testWithReader = test.runIf(PYTHON);

async function pinsSpec(
  board: string,
  steps: ScenarioInput["steps"],
  rest: Partial<AttemptSpecInput> = {},
  lab: AgentLab = agent.lab,
): Promise<AttemptSpecInput> {
  const image = await readFile(join(await buildFirmware(), board, "pins.elf"));
  return lab.specOf(image, { timeout: "60s", scenario: { version: 1, steps }, ...rest }, board);
}

async function artifactOf(id: string, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of agent.lab.client.artifact(id, name)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The changes of each line of a dump, as a reader of the trade has them. */
async function readDump(dump: string): Promise<Record<string, [number, string][]>> {
  const folder = await mkdtemp(join(tmpdir(), "vcd-"));
  try {
    const file = join(folder, "pins.vcd");
    await writeFile(file, dump);
    const program = [
      "import json, sys, vcdvcd",
      "dump = vcdvcd.VCDVCD(sys.argv[1])",
      "print(json.dumps({name: dump[name].tv for name in dump.signals}))",
    ].join("\n");
    const { stdout } = await run(PYTHON ?? "", ["-c", program, file], { maxBuffer: 64 * 1024 * 1024 });
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const PRESS: ScenarioInput["steps"] = [
  { "wait-serial": "pins" },
  { "expect-pin": { name: "ROW1", value: 0 } },
  { "write-serial": "o 13\ni 17\nd 17\n" },
  { "wait-serial": "d 1" },
  { "set-pin": { name: "BUTTON_A", value: 0, for: "1s" } },
  { "wait-serial": "p 1", timeout: "20s" },
  { "write-serial": "\no 13\nm 17 13\n" },
  { "expect-pin": { pin: 13, value: 1 }, timeout: "20s" },
  { "set-pin": { pin: 17, value: 0 } },
  { "expect-pin": { pin: 13, value: 0 }, timeout: "20s" },
];

testWithReader(
  "a button is pressed and a LED answers; all changes are a dump that readers of the trade take",
  async () => {
    const id = await agent.put(await pinsSpec("microbit", PRESS));
    const result = await agent.events.resultOf(id);
    expect(result.error?.message).toBe(undefined);
    expect(result).toMatchObject({ verdict: "passed", artifacts: [{ name: "pins.vcd", mediaType: "text/x-vcd" }] });
    const dump = await readDump(await artifactOf(id, "pins.vcd"));
    const of = (name: string) => Object.entries(dump).find(([key]) => key.endsWith(name))?.[1] ?? [];
    const levels = (name: string) => of(name).map(([, level]) => level);
    expect(levels("BUTTON_A_P0_17").slice(-3)).toEqual(["0", "1", "0"]);
    expect(
      levels("ROW1_P0_13")
        .filter((level) => level !== "x")
        .slice(0, 3),
    ).toEqual(["0", "1", "0"]);
    const times = of("ROW1_P0_13").map(([time]) => time);
    expect(times).toEqual([...times].sort((left, right) => left - right));
  },
);

testWithReader("a scenario without steps about pins keeps none, unless it asks for them", async () => {
  const steps = [{ "write-serial": "o 13\nt 13 3\n" }, { "wait-serial": "t 1" }];
  const without = await agent.put(await pinsSpec("microbit", steps));
  expect((await agent.events.resultOf(without)).artifacts).toBe(undefined);
  const scenario = { version: 1 as const, steps, pins: true };
  const id = await agent.put(await pinsSpec("microbit", steps, { scenario }));
  expect(await agent.events.resultOf(id)).toMatchObject({ verdict: "passed", artifacts: [{ name: "pins.vcd" }] });
  const dump = await readDump(await artifactOf(id, "pins.vcd"));
  const row = Object.entries(dump).find(([name]) => name.endsWith("ROW1_P0_13"))?.[1] ?? [];
  expect(row.map(([, level]) => level)).toEqual(["0", "1", "0", "1"]);
});

test("an expectation that is not met says what the level was", async () => {
  const steps = [{ "wait-serial": "pins" }, { "expect-pin": { name: "ROW1", value: 1 as const } }];
  const result = await agent.events.resultOf(await agent.put(await pinsSpec("microbit", steps)));
  expect([result.verdict, result.error?.code]).toEqual(["failed", "ExpectationNotMet"]);
  expect(result.error?.message).toContain("expected level 1, but it is 0");
});

test("levels go with power, and what is driven from outside stays", async () => {
  const steps: ScenarioInput["steps"] = [
    { "write-serial": "o 13\nw 13 1\ni 17\n" },
    { "wait-serial": "i 1" },
    { "set-pin": { pin: 17, value: 0 } },
    { "expect-pin": { pin: 13, value: 1 } },
    { power: "cycle" },
    { "wait-serial": "pins" },
    { "expect-pin": { pin: 13, value: 0 } },
    { "write-serial": "i 17\nr 17\n" },
    { "wait-serial": "r 0" },
  ];
  const result = await agent.events.resultOf(await agent.put(await pinsSpec("microbit", steps)));
  expect([result.verdict, result.error?.message, result.boots]).toEqual(["passed", undefined, 2]);
});

test("a line that the emulator does not have is refused in words, and never reaches it", async () => {
  const board = await boardSpecOf("microbit");
  if (!board.gpio) throw new Error("no pins");
  const gpio = { ...board.gpio, ports: board.gpio.ports.map((port) => ({ ...port, lines: 40 })) };
  const steps = [{ "set-pin": { pin: 39, value: 1 as const } }];
  const spec = await pinsSpec("microbit", steps, { board: { ...board, gpio } });
  const result = await agent.events.resultOf(await agent.put(spec));
  expect([result.verdict, result.error?.code]).toEqual(["errored", "PinsFailed"]);
  expect(result.error?.message).toContain(
    "/machine/nrf51 has no input and no output 32, which the manifest has as P0.32 (32)",
  );
});

test("ports that stock QEMU cannot watch together are refused in words", async () => {
  const steps = [
    { "expect-pin": { name: "PB1", value: 0 as const } },
    { "expect-pin": { name: "LED", value: 0 as const } },
  ];
  const result = await agent.events.resultOf(await agent.put(await pinsSpec("lm3s6965evb", steps)));
  expect([result.verdict, result.error?.code, result.error?.class]).toEqual(["errored", "NotSupportedHere", "job"]);
  expect(result.error?.message).toContain("Watching PB1 (9) and LED (PF0, 40)");
  // No guest has run: it would have greeted, before anything is asked of it.
  expect([result.lastLines, result.timings.firstByteMs]).toEqual([[], undefined]);
});

testWithReader(
  "a shim in the guest speaks the line protocol on a UART of its own, garbage between the lines",
  async () => {
    const board = await boardSpecOf("mps2-an385");
    const gpio = boardGpio.parse({
      driver: "line",
      uart: "uart1",
      ports: [{ name: "bcm", prefix: "GPIO", lines: 28 }],
    });
    const steps: ScenarioInput["steps"] = [
      { "set-pin": { pin: 4, value: 1 } },
      { "wait-serial": "shim" },
      { "expect-pin": { pin: "GPIO5", value: 1 }, timeout: "20s" },
      { "set-pin": { pin: 4, value: 0 } },
      { "expect-pin": { pin: 5, value: 0 }, timeout: "20s" },
    ];
    const image = await readFile(join(await buildFirmware(), "mps2-an385", "pin-shim.elf"));
    const spec = await agent.lab.specOf(
      image,
      { board: { ...board, gpio }, scenario: { version: 1, steps } },
      "mps2-an385",
    );
    const id = await agent.put(spec);
    const result = await agent.events.resultOf(id);
    expect([result.verdict, result.error?.message]).toEqual(["passed", undefined]);
    const dump = await readDump(await artifactOf(id, "pins.vcd"));
    const line = Object.entries(dump).find(([name]) => name.endsWith(".GPIO5"))?.[1] ?? [];
    expect(line.map(([, level]) => level).slice(-2)).toEqual(["1", "0"]);
  },
);

const OURS = process.env.EMUFARM_FARM_QEMU_PATH;

test.skipIf(OURS === undefined || PYTHON === undefined)(
  "in the farm's own QEMU, guests that toggle as fast as they can harm no neighbour",
  async () => {
    await using lab = await AgentLab.start({ EMUFARM_QEMU_PATH: OURS ?? "", EMUFARM_SLOTS: "8" });
    await using events = new EventLog(lab.client);
    const flood: ScenarioInput["steps"] = [{ "write-serial": "o 13\nt 13 100000\n" }, { "wait-serial": "t 1" }];
    const flooding = { scenario: { version: 1 as const, steps: flood, pins: true } };
    await lab.client.putAttempt("flood.1", await pinsSpec("microbit", flood, flooding, lab));
    for (let at = 0; at < 7; at++)
      await lab.client.putAttempt(`press-${at}.1`, await pinsSpec("microbit", PRESS, {}, lab));
    for (let at = 0; at < 7; at++) {
      expect([at, (await events.resultOf(`press-${at}.1`)).error?.message]).toEqual([at, undefined]);
    }
    expect(await events.resultOf("flood.1")).toMatchObject({ verdict: "passed" });
    const chunks: Buffer[] = [];
    for await (const chunk of lab.client.artifact("flood.1", "pins.vcd")) chunks.push(chunk);
    const dump = await readDump(Buffer.concat(chunks).toString());
    const row = Object.entries(dump).find(([name]) => name.endsWith("ROW1_P0_13"))?.[1] ?? [];
    // The level before the first change, and every change.
    expect(row).toHaveLength(100_001);
  },
);
