import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { AgentLab, ENDLESS, EventLog, readUntil } from "./agent-lab.ts";

/** A guest that has said `marker` on its UART, and sits there. The console to it stays open: it holds the pen. */
async function runningShell(lab: AgentLab, id: string, marker = "still there"): Promise<WebSocket> {
  await lab.client.putAttempt(id, await lab.spec("shell", ENDLESS), 3);
  await readUntil(lab.client.log({ attempt: id }, "uart0", { isFollowed: true }), "> ");
  const console = await lab.client.openConsole({ attempt: id }, "uart0", () => {});
  console.send(Buffer.from(`echo ${marker}\n`));
  await readUntil(lab.client.log({ attempt: id }, "uart0", { isFollowed: true }), `${marker}\n`);
  return console;
}

test("an agent that is killed leaves no emulator, and reports once what was lost, with its log", async () => {
  await using lab = await AgentLab.start();
  await lab.client.putAttempt("done.1", await lab.spec("hello"), 3);
  await using before = new EventLog(lab.client);
  await before.resultOf("done.1");
  await runningShell(lab, "lost.1");
  const [orphan] = await lab.emulators();
  expect(orphan).toBeDefined();
  await lab.end("SIGKILL");
  expect(await lab.emulators()).toContain(orphan);

  await lab.start();
  expect(await lab.emulators()).toEqual([]);
  await using after = new EventLog(lab.client);
  const hello = await after.until("hello");
  expect(hello.agentId).not.toBe((await before.until("hello")).agentId);
  expect(hello.freeSlots).toBe(2);
  expect(hello.attempts.map(({ id, result }) => [id, result?.verdict, result?.error?.code])).toEqual([
    ["done.1", "passed", undefined],
    ["lost.1", "errored", "AgentLost"],
  ]);
  const lost = hello.attempts[1]?.result;
  expect(lost?.exit).toEqual({ reason: "EmulatorKilled" });
  expect(lost?.lastLines.join("\n")).toContain("still there");
  expect((await lab.client.info()).epoch).toBe(3);

  await lab.client.acknowledge(["done.1", "lost.1"]);
  await lab.end("SIGKILL");
  await lab.start();
  expect(await lab.client.attempts()).toEqual([]);
  expect(readdirSync(join(lab.folder, "data/spool/logs"))).toEqual([]);
});

test("a large log survives the kill of the agent", async () => {
  await using lab = await AgentLab.start();
  const console = await runningShell(lab, "flood.1");
  console.send(Buffer.from("flood 200\necho all\n"));
  const live = await readUntil(lab.client.log({ attempt: "flood.1" }, "uart0", { isFollowed: true }), "> all\n");
  await lab.end("SIGKILL");
  await lab.start();
  const chunks = [];
  for await (const chunk of lab.client.log({ attempt: "flood.1" }, "uart0")) chunks.push(chunk);
  const kept = Buffer.concat(chunks).toString();
  expect(kept.startsWith(live.slice(0, 150_000))).toBe(true);
});

test("an agent that is told to end takes no new work, lets what runs finish, and leaves nothing", async () => {
  await using lab = await AgentLab.start({ EMUFARM_GRACE_MS: "20000" });
  const console = await runningShell(lab, "last.1");
  await using events = new EventLog(lab.client);
  await events.until("hello");
  const ended = lab.end("SIGTERM");
  await events.until("slots", ({ isDraining }) => isDraining);
  await expect(lab.client.putAttempt("late.1", await lab.spec("hello"))).rejects.toMatchObject({ code: "Draining" });
  console.send(Buffer.from("exit 0\n"));
  expect(await events.resultOf("last.1")).toMatchObject({ exit: { reason: "GuestExited", code: 0 } });
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(await lab.emulators()).toEqual([]);
  expect(existsSync(join(lab.folder, "agent.sock"))).toBe(false);
  expect(existsSync(join(lab.folder, "run/slots"))).toBe(false);
});

test.each(["SIGTERM", "stdin"] as const)(
  "after the grace period (%s) what runs is ended, and told as the farm's doing",
  async (how) => {
    await using lab = await AgentLab.start({ EMUFARM_GRACE_MS: "100" });
    await runningShell(lab, "cut.1");
    await using events = new EventLog(lab.client);
    await events.until("hello");
    expect(await lab.end(how)).toEqual({ code: 0, signal: null });
    expect(await events.resultOf("cut.1")).toMatchObject({
      verdict: "errored",
      error: { code: "Draining", class: "infrastructure" },
    });
    expect(await lab.emulators()).toEqual([]);
    // Nobody has acknowledged it: the next agent has it still.
    await lab.start();
    expect(await lab.client.attempt("cut.1")).toMatchObject({ state: "finished", result: { verdict: "errored" } });
  },
);

test("settings that are wrong are told all together", async () => {
  await expect(AgentLab.start({ EMUFARM_SLOTS: "none", EMUFARM_LISTEN: "nowhere" })).rejects.toThrow(
    /EMUFARM_LISTEN: must be unix:.*EMUFARM_SLOTS/,
  );
});
