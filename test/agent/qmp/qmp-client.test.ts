import { expect, test } from "vitest";
import { QmpClient } from "../../../src/agent/qmp/qmp-client.ts";
import type { QmpEvent } from "../../../src/agent/qmp/qmp-session.ts";
import { FakeEmulator, turn } from "./fake-emulator.ts";

const PATIENCE_MS = 30_000;

async function connected() {
  const emulator = new FakeEmulator();
  const client = new QmpClient(emulator.socket, PATIENCE_MS);
  emulator.say({ QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 } }, capabilities: ["oob"] } });
  await emulator.answer("qmp_capabilities");
  await client.ready;
  return { emulator, client };
}

test("it negotiates at once, without waiting for the greeting", async () => {
  const emulator = new FakeEmulator();
  using client = new QmpClient(emulator.socket, PATIENCE_MS);
  await emulator.answer("qmp_capabilities");
  await client.ready;
  expect(client.greeting).toBeUndefined();
});

test("answers find their commands by id, in any order", async () => {
  const { emulator, client } = await connected();
  using _ = client;
  const first = client.execute("query-status");
  const second = client.execute("query-name");
  await emulator.answer("query-name", { name: "b" });
  await emulator.answer("query-status", { running: true });
  expect(await Promise.all([first, second])).toEqual([{ running: true }, { name: "b" }]);
});

test("events between a command and its answer are told as they come", async () => {
  const { emulator, client } = await connected();
  using _ = client;
  const events: QmpEvent[] = [];
  const stop = client.onEvent((event) => events.push(event));
  const answer = client.execute("stop");
  await emulator.request("stop");
  emulator.say({ event: "STOP", timestamp: { seconds: 1, microseconds: 2 } });
  await emulator.answer("stop");
  await answer;
  expect(events).toEqual([{ event: "STOP", data: {}, timestamp: { seconds: 1, microseconds: 2 } }]);
  stop();
  emulator.say({ event: "RESUME" });
  await turn();
  expect(events).toHaveLength(1);
});

test("an emulator's refusal keeps QMP's class and words", async () => {
  const { emulator, client } = await connected();
  using _ = client;
  const answer = client.execute("nonsense");
  const { id } = await emulator.request("nonsense");
  emulator.say({ error: { class: "CommandNotFound", desc: "The command nonsense has not been found" }, id });
  await expect(answer).rejects.toMatchObject({
    code: "QmpFailed",
    details: { qmpClass: "CommandNotFound", qmpDescription: "The command nonsense has not been found" },
  });
});

test("a command that is not answered fails at its deadline, and its late answer is dropped", async () => {
  const { emulator, client } = await connected();
  using _ = client;
  await expect(client.execute("query-status", undefined, { timeoutMs: 20 })).rejects.toMatchObject({
    code: "QmpFailed",
    cause: { problem: "timedOut" },
  });
  await emulator.answer("query-status", "late");
  const next = client.execute("query-name");
  await emulator.answer("query-name", "in time");
  expect(await next).toBe("in time");
});

test("when the connection ends, every command under way fails and later ones do at once", async () => {
  const { emulator, client } = await connected();
  const answer = client.execute("query-status");
  emulator.end();
  await expect(answer).rejects.toMatchObject({ code: "QmpFailed", cause: { problem: "closed" } });
  await client.closed;
  await expect(client.execute("query-status")).rejects.toMatchObject({ cause: { problem: "closed" } });
});

test("an emulator that talks nonsense is cut off", async () => {
  const { emulator, client } = await connected();
  const answer = client.execute("query-status");
  emulator.write("\x00\xff garbage\n");
  await expect(answer).rejects.toMatchObject({ cause: { problem: "malformed" } });
  expect(client.failure?.problem).toBe("malformed");
  await client.closed;
});

test("any number of kicks cost two commands, and one more for those that came meanwhile", async () => {
  const { emulator, client } = await connected();
  using _ = client;
  for (let count = 0; count < 100; count++) client.kick();
  await turn();
  expect(emulator.received).toHaveLength(2);
  await emulator.answer("query-status");
  await turn();
  expect(emulator.received).toHaveLength(2);
  await emulator.answer("query-status");
  await emulator.answer("query-status");
  await turn();
  expect(emulator.received).toHaveLength(0);
});

test("what an emulator says that a listener cannot bear ends its own connection", async () => {
  const { emulator, client } = await connected();
  using _ = client;
  client.onEvent(({ data }) => void String(data.reason));
  const answer = client.execute("query-status");
  emulator.say({ event: "SHUTDOWN", data: { reason: { toString: 1, valueOf: 1 } } });
  await expect(answer).rejects.toMatchObject({ code: "QmpFailed" });
  await client.closed;
  expect(client.failure?.problem).toBe("malformed");
});
