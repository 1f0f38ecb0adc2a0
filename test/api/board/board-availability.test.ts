import { expect, test } from "vitest";
import { fixedAgents } from "../../../src/api/agents/agent-directory.ts";
import { createBoardAvailability } from "../../../src/api/board/board-availability.ts";
import { createAgentClient } from "../../../src/client/agent-client.ts";
import { createLog } from "../../../src/log/log.ts";
import { aBoard } from "../../gen/board.ts";
import { AVAILABLE, startAgentStandIn } from "../http/agent-stand-in.ts";

const BOARD = aBoard();

const log = createLog({ name: "test", level: "silent" });
const missing = {
  isAvailable: false,
  error: { code: "EmulatorMissing", class: "infrastructure", message: "not installed", details: {} },
} as const;

test("a board is available where any agent can run it", async () => {
  await using one = await startAgentStandIn();
  await using other = await startAgentStandIn();
  one.check = () => missing;
  await using first = createAgentClient({ address: one.address, token: "t" });
  await using second = createAgentClient({ address: other.address, token: "t" });
  expect(await createBoardAvailability(fixedAgents([first, second]), log).check("b", BOARD)).toEqual(AVAILABLE);
  expect(await createBoardAvailability(fixedAgents([first]), log).check("b", BOARD)).toEqual(missing);
});

test("a board whose agents do not answer is not known to be unavailable", async () => {
  await using nobody = createAgentClient({ address: "unix:/nonexistent/a.sock", token: "t" });
  expect(await createBoardAvailability(fixedAgents([nobody]), log).check("b", BOARD)).toEqual({
    isAvailable: undefined,
  });
  expect(await createBoardAvailability(fixedAgents([]), log).check("b", BOARD)).toEqual({ isAvailable: undefined });
});

test("an agent is asked once about a board, however it is handed over, and again about a changed one", async () => {
  await using agent = await startAgentStandIn();
  await using client = createAgentClient({ address: agent.address, token: "t" });
  const availability = createBoardAvailability(fixedAgents([client]), log);
  await availability.check("b", BOARD);
  await availability.check("b", structuredClone(BOARD));
  expect(agent.checks).toBe(1);
  await availability.check("b", { ...BOARD, title: "Changed" });
  expect(agent.checks).toBe(2);
});
