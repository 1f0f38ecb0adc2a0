import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readBoards } from "../../boards/manifests.ts";
import { AgentLab, EventLog } from "../attempt/agent-lab.ts";

let lab: AgentLab;

beforeAll(async () => {
  lab = await AgentLab.start();
});

afterAll(() => lab[Symbol.asyncDispose]());

/** A property that every machine has, and that nothing hangs on. */
const path = "/machine";
const name = "mem-merge";

const steps = [
  { qmp: { execute: "query-status", expect: { running: true, status: "running" } } },
  { property: { path, name, set: false, expect: false } },
  { property: { path, name, set: true, expect: true } },
  { qmp: { execute: "human-monitor-command", arguments: { "command-line": "info status" } } },
];

describe.each(readBoards().map(({ metadata, spec }) => ({ board: metadata.name, spec })))(
  "$board",
  ({ board, spec }) => {
    test("answers QMP and its monitor, and has properties", async (context) => {
      const { isAvailable } = await lab.client.checkBoard(board, spec);
      if (!isAvailable) return context.skip("its emulator is not here");
      const id = `${board}.1`;
      await using events = new EventLog(lab.client);
      await lab.client.putAttempt(
        id,
        await lab.spec("shell", { scenario: { version: 1, steps }, timeout: "1m" }, board),
      );
      const { verdict, error } = await events.resultOf(id);
      expect({ verdict, error }).toEqual({ verdict: "passed", error: undefined });
    });
  },
);
