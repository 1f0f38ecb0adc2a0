import { EventEmitter } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import type { Target } from "../../../src/cli/channel/target.ts";
import { EXIT } from "../../../src/cli/exit-code.ts";
import { watch } from "../../../src/cli/gpio/watch.ts";
import type { Surroundings } from "../../../src/cli/surroundings.ts";
import { GpioLines } from "../../../src/core/gpio/gpio-line.ts";
import type { GpioMessage } from "../../../src/core/wire/gpio.ts";
import { demoGpio } from "../../agent/gpio/pins-stand-in.ts";

const lines = new GpioLines("demo", demoGpio);

const edges = (...told: [line: string, number: number, level: 0 | 1][]): GpioMessage => ({
  type: "edges",
  boot: 1,
  clock: "host",
  edges: told.map(([line, number, level], index) => ({ line, number, level, timeNs: index * 1_500_000, by: "guest" })),
});

const state: GpioMessage = {
  type: "state",
  boot: 1,
  isConnected: true,
  abilities: { observes: "edges", drives: true, raisesInterrupts: false, timestamps: false, ports: "all" },
  lines: lines.all.map(({ number, name, label, isInput, isOutput }) => {
    return { line: label ?? name, number, name, level: 0, driven: null, isInput, isOutput };
  }),
};

/** Watches an agent that says these messages and then closes, or goes on. */
async function watched(
  messages: readonly GpioMessage[],
  options: { count?: number; json?: true; coalesce?: string } = {},
  words: readonly string[] = [],
  isTTY = false,
) {
  let [out, err, asked] = ["", "", ""];
  const stream = (write: (text: string) => void) => ({ isTTY, columns: 60, rows: 12, write });
  const interrupted = new AbortController();
  const target = {
    openWebSocket: async (path: string, onMessage: (data: Buffer, isText: boolean) => void) => {
      asked = path;
      const socket = Object.assign(new EventEmitter(), { terminate: () => {} });
      setImmediate(() => {
        for (const message of messages) onMessage(Buffer.from(JSON.stringify(message)), true);
        socket.emit("close", 1000, Buffer.from("the guest has ended"));
      });
      return socket;
    },
  };
  const surroundings = {
    stdout: stream((text) => (out += text)),
    stderr: stream((text) => (err += text)),
    env: { TERM: "xterm", NO_COLOR: "1" },
    interrupted: interrupted.signal,
  };
  const code = await watch(surroundings as unknown as Surroundings, target as unknown as Target, lines, words, options);
  return { code, out, err, asked };
}

describe("watching lines", () => {
  it("writes a line for each change, and why it ended", async () => {
    const merged: GpioMessage = {
      type: "merged",
      boot: 1,
      clock: "host",
      reason: "slow",
      edges: 7,
      lines: [{ line: "PA3", number: 3, level: 1, edges: 7, timeNs: 2_000_000_000 }],
    };
    const { code, out, err, asked } = await watched([state, edges(["LED1", 0, 1], ["PA3", 3, 0]), merged]);
    expect(out).toBe("0.000000s LED1 1\n0.001500s PA3 0\n2.000000s PA3 1 (7 changes, not read in time)\n");
    expect(err).toBe("emufarm: the guest has ended\n");
    expect({ code, asked }).toEqual({ code: EXIT.passed, asked: "gpio" });
  });

  it("shows only the lines that were asked for, and ends after so many changes of them", async () => {
    const told = edges(["LED1", 0, 1], ["PA3", 3, 1], ["LED1", 0, 0], ["LED1", 0, 1]);
    const { out, err } = await watched([state, told, told], { count: 2 }, ["led1"]);
    expect(out).toBe("0.000000s LED1 1\n0.003000s LED1 0\n");
    expect(err).toBe("");
    await expect(watched([], {}, ["LED9"])).rejects.toMatchObject({ code: "UnknownPin" });
  });

  it("passes messages on as JSON, one on a line", async () => {
    const { out } = await watched([state, edges(["PA3", 3, 1])], { json: true, coalesce: "1s" }, ["3"]);
    const [first, second] = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as GpioMessage);
    expect(first).toMatchObject({ type: "state", lines: [{ number: 3 }] });
    expect(second).toEqual(edges(["PA3", 3, 1]));
  });

  it("draws a strip on a terminal, of merged changes", async () => {
    const { out, asked } = await watched([state, edges(["LED1", 0, 1])], {}, [], true);
    expect(asked).toBe("gpio?coalesce=50ms");
    expect(stripVTControlCharacters(out)).toMatch(/LED1 +╱ 1 1\nBUTTON +▁ 0 0/);
  });
});
