import { expect, test } from "vitest";
import { QmpClient } from "../../../src/agent/qmp/qmp-client.ts";
import { QmpProxy } from "../../../src/agent/qmp/qmp-proxy.ts";
import type { QmpProxyTransport } from "../../../src/agent/qmp/qmp-proxy-client.ts";
import { FakeEmulator, turn } from "./fake-emulator.ts";

class RecordingTransport implements QmpProxyTransport {
  bufferedBytes = 0;
  closedFor: string | undefined;
  readonly sent: Record<string, unknown>[] = [];

  send(text: string): void {
    expect(text.endsWith("\n")).toBe(true);
    this.sent.push(JSON.parse(text));
  }

  close(reason: string): void {
    this.closedFor = reason;
  }
}

async function lab() {
  const emulator = new FakeEmulator();
  const session = new QmpClient(emulator.socket, 30_000);
  emulator.say({ QMP: { version: { package: "test" }, capabilities: ["oob"] } });
  await emulator.answer("qmp_capabilities");
  await session.ready;
  const proxy = new QmpProxy(session);
  const connect = (isNegotiated = true) => {
    const transport = new RecordingTransport();
    const client = proxy.connect(transport);
    const send = (request: unknown) => client.receiveRequest(JSON.stringify(request));
    if (isNegotiated) send({ execute: "qmp_capabilities" });
    return { transport, client, send };
  };
  return { emulator, session, proxy, connect };
}

test("every client is greeted and negotiates for itself", async () => {
  const { connect } = await lab();
  for (const { transport, send } of [connect(false), connect(false)]) {
    send({ execute: "query-status", id: 1 });
    send({ execute: "qmp_capabilities", id: 2 });
    send({ execute: "qmp_capabilities", id: 3 });
    await turn();
    expect(transport.sent).toEqual([
      { QMP: { version: { package: "test" }, capabilities: [] } },
      { error: { class: "CommandNotFound", desc: expect.stringContaining("Expecting capabilities") }, id: 1 },
      { return: {}, id: 2 },
      { error: { class: "CommandNotFound", desc: expect.stringContaining("already complete") }, id: 3 },
    ]);
  }
});

test("clients may use the same ids, and each gets its own answers in its own order", async () => {
  const { emulator, connect } = await lab();
  const [a, b] = [connect(), connect()];
  a.send({ execute: "query-status", id: "x" });
  a.send({ execute: "quit", id: "y" });
  b.send({ execute: "query-name", id: "x" });
  await emulator.answer("query-name", "of b");
  await emulator.answer("query-status", "of a");
  await turn();
  expect(a.transport.sent.slice(2)).toEqual([
    { return: "of a", id: "x" },
    { error: expect.objectContaining({ class: "CommandNotFound" }), id: "y" },
  ]);
  expect(b.transport.sent.slice(2)).toEqual([{ return: "of b", id: "x" }]);
});

test("events go to every client that has negotiated", async () => {
  const { emulator, connect } = await lab();
  const [ready, alsoReady, notYet] = [connect(), connect(), connect(false)];
  await turn();
  emulator.say({ event: "RESET", data: { guest: true }, timestamp: { seconds: 1, microseconds: 2 } });
  await turn();
  const event = { event: "RESET", data: { guest: true }, timestamp: { seconds: 1, microseconds: 2 } };
  expect(ready.transport.sent.at(-1)).toEqual(event);
  expect(alsoReady.transport.sent.at(-1)).toEqual(event);
  expect(notYet.transport.sent).toHaveLength(1);
});

test.each([
  "quit",
  "human-monitor-command",
  "screendump",
  "chardev-add",
  "blockdev-add",
  "device_add",
  "object-add",
  "qom-set",
  "migrate",
  "pmemsave",
  "dump-guest-memory",
  "netdev_add",
  "getfd",
  "x-query-opcount",
  "query-status; quit",
  "",
])("the command %j never reaches the emulator", async (command) => {
  const { emulator, connect } = await lab();
  const { transport, send } = connect();
  send({ execute: command, id: 1 });
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({ error: { class: "CommandNotFound" }, id: 1 });
  expect(emulator.received).toEqual([]);
});

test.each(["query-status", "qom-list", "qom-get", "system_reset", "stop", "cont"])(
  "the command %s is passed on",
  async (command) => {
    const { emulator, connect } = await lab();
    connect().send({ execute: command, arguments: { path: "/" } });
    expect(await emulator.request(command)).toMatchObject({ arguments: { path: "/" } });
  },
);

test("an error of the emulator reaches the client as it was", async () => {
  const { emulator, connect } = await lab();
  const { transport, send } = connect();
  send({ execute: "qom-get", id: 7 });
  const { id } = await emulator.request("qom-get");
  emulator.say({ error: { class: "DeviceNotFound", desc: "Device '/x' not found" }, id });
  await turn();
  expect(transport.sent.at(-1)).toEqual({ error: { class: "DeviceNotFound", desc: "Device '/x' not found" }, id: 7 });
});

test.each([
  ["what is not JSON", "hello", "JSON parse error"],
  ["what is not a request", '{"command": "stop"}', "Not a QMP request"],
  ["out-of-band execution", '{"exec-oob": "stop"}', "Not a QMP request"],
])("%s is answered by an error, and the connection goes on", async (_, text, description) => {
  const { connect } = await lab();
  const { transport, client } = connect();
  client.receiveRequest(text);
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({
    error: { class: "GenericError", desc: expect.stringContaining(description) },
  });
  expect(transport.closedFor).toBeUndefined();
});

test("a client that does not read loses events first, and then its connection; others are unharmed", async () => {
  const { emulator, connect, proxy } = await lab();
  const [slow, quick] = [connect(), connect()];
  await turn();
  slow.transport.bufferedBytes = 1024 * 1024;
  for (let count = 0; count < 1_700; count++) emulator.say({ event: "RESET", data: { guest: true } });
  await turn();
  expect(slow.transport.sent).toHaveLength(2);
  expect(slow.client.droppedEvents).toBe(1_700);
  expect(quick.transport.sent).toHaveLength(1_702);
  slow.transport.bufferedBytes = 8 * 1024 * 1024;
  slow.send({ execute: "quit" });
  await turn();
  expect(slow.transport.closedFor).toBe("the client does not read");
  expect(proxy.clientCount).toBe(1);
});

test("a request without end is cut off", async () => {
  const { connect, proxy } = await lab();
  const { transport, client } = connect();
  client.receive(Buffer.alloc(100_000, "x"));
  expect(transport.closedFor).toContain("larger than");
  expect(proxy.clientCount).toBe(0);
});

test("no client can have more than sixteen commands under way", async () => {
  const { emulator, connect } = await lab();
  const { send } = connect();
  for (let id = 0; id < 50; id++) send({ execute: "query-status", id });
  await turn();
  expect(emulator.received).toHaveLength(16);
});

test("when the guest ends, its clients are let go", async () => {
  const { emulator, session, connect, proxy } = await lab();
  const { transport } = connect();
  emulator.end();
  await session.closed;
  await turn();
  expect(transport.closedFor).toBe("the guest has ended");
  expect(proxy.clientCount).toBe(0);
});
