import { expect, test } from "vitest";
import { QmpClient } from "../../../src/agent/qmp/qmp-client.ts";
import { QmpProxy } from "../../../src/agent/qmp/qmp-proxy.ts";
import type { QmpProxyTransport } from "../../../src/agent/qmp/qmp-proxy-client.ts";
import { FakeEmulator, turn } from "./fake-emulator.ts";

class RecordingTransport implements QmpProxyTransport {
  bufferedBytes = 0;
  isPaused = false;
  closedFor: string | undefined;
  readonly sent: Record<string, unknown>[] = [];

  send(text: string): void {
    expect(text.endsWith("\n")).toBe(true);
    this.sent.push(JSON.parse(text));
  }

  setPaused(isPaused: boolean): void {
    this.isPaused = isPaused;
  }

  close(reason: string): void {
    this.closedFor = reason;
  }
}

async function emulatorWithSession() {
  const emulator = new FakeEmulator();
  const session = new QmpClient(emulator.socket, 30_000);
  emulator.say({ QMP: { version: { package: "test" }, capabilities: ["oob"] } });
  await emulator.answer("qmp_capabilities");
  await session.ready;
  return { emulator, session };
}

async function lab() {
  const { emulator, session } = await emulatorWithSession();
  const proxy = new QmpProxy();
  const spoiled: string[] = [];
  proxy.plug({ session, boot: 1, spoil: () => void spoiled.push("spoiled") });
  const connect = (enable: string[] | undefined = []) => {
    const transport = new RecordingTransport();
    const client = proxy.connect(transport);
    const sendText = (text: string) => client.receive(Buffer.from(`${text}\n`));
    const send = (request: unknown) => sendText(JSON.stringify(request));
    if (enable) send({ execute: "qmp_capabilities", arguments: { enable } });
    return { transport, client, send, sendText };
  };
  /** One that has not negotiated. */
  const connectOnly = () => {
    const transport = new RecordingTransport();
    const client = proxy.connect(transport);
    return { transport, client, send: (request: unknown) => client.receive(Buffer.from(JSON.stringify(request))) };
  };
  return { emulator, session, proxy, spoiled, connect, connectOnly };
}

test("every client is greeted and negotiates for itself", async () => {
  const { connectOnly } = await lab();
  for (const { transport, send } of [connectOnly(), connectOnly()]) {
    send({ execute: "query-status", id: 1 });
    send({ execute: "qmp_capabilities", id: 2 });
    send({ execute: "qmp_capabilities", id: 3 });
    await turn();
    expect(transport.sent).toEqual([
      { QMP: { version: { package: "test" }, capabilities: ["oob"] } },
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
  const { emulator, connect, connectOnly } = await lab();
  const [ready, alsoReady, notYet] = [connect(), connect(), connectOnly()];
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
  "migrate",
  "migrate-incoming",
  "screendump",
  "chardev-add",
  "chardev-change",
  "blockdev-add",
  "blockdev-change-medium",
  "drive-backup",
  "device_add",
  "object-add",
  "pmemsave",
  "memsave",
  "dump-guest-memory",
  "netdev_add",
  "getfd",
  "add-fd",
  "nbd-server-start",
  "trace-event-set-state",
  "set-action",
  "snapshot-save",
  "change-vnc-password",
  "display-update",
  "recycle",
  "x-query-opcount",
  "query-status; quit",
  "QUIT",
  " quit",
  "",
  "__proto__",
  "constructor",
])("the command %j never reaches the emulator", async (command) => {
  const { emulator, connect } = await lab();
  const { transport, send } = connect();
  send({ execute: command, arguments: { filename: "/etc/passwd" }, id: 1 });
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({ error: { class: "CommandNotFound" }, id: 1 });
  expect(emulator.received).toEqual([]);
});

test.each([
  ["a key that is there twice", '{"execute":"query-status","execute":"quit","id":1}'],
  ["an escaped name", '{"execute":"qu\\u0069t","id":1}'],
  ["out of band", '{"exec-oob":"quit","id":1}'],
])("a refused command spelt by %s never reaches the emulator", async (_, text) => {
  const { emulator, connect } = await lab();
  const { transport, sendText } = connect(["oob"]);
  await turn();
  sendText(text);
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({ error: expect.anything(), id: 1 });
  expect(emulator.received).toEqual([]);
});

test.each([
  "quit",
  "migrate exec:id",
  "pmemsave 0 100 /tmp/x",
  "screendump /tmp/x",
  "drive_add 0 file=/etc/passwd",
  "chardev-add file,id=x,path=/tmp/x",
  "info registers\nquit",
])("the line %j never reaches the emulator's monitor", async (line) => {
  const { emulator, connect } = await lab();
  const { transport, send } = connect();
  send({ execute: "human-monitor-command", arguments: { "command-line": line }, id: 1 });
  await turn();
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({ error: { desc: expect.stringContaining("monitor") }, id: 1 });
  expect(emulator.received).toEqual([]);
});

test("a line that looks is asked, and its answer comes as QEMU gives it", async () => {
  const { emulator, connect, spoiled } = await lab();
  const { transport, send } = connect();
  send({ execute: "human-monitor-command", arguments: { "command-line": "info status" }, id: 1 });
  await emulator.answer("human-monitor-command", "VM status: running\r\n");
  await turn();
  expect(transport.sent.at(-1)).toEqual({ return: "VM status: running\r\n", id: 1 });
  expect(spoiled).toEqual([]);
});

test.each([
  ["a text, which could name a file", "/machine", "str"],
  ["a link", "/machine", "link<memory-backend>"],
  ["an object of the host's", "/objects/mem0", "bool"],
  ["a path that is not whole", "mem0", "bool"],
  ["a path with a hole", "/machine//x", "bool"],
])("qom-set of %s never reaches the emulator", async (_, path, type) => {
  const { emulator, connect } = await lab();
  const { transport, send } = connect();
  send({ execute: "qom-set", arguments: { path, property: "file", value: true }, id: 1 });
  if (type !== "bool") await emulator.answer("qom-list", [{ name: "file", type }]);
  await turn();
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({ error: { desc: expect.stringContaining("cannot be set") }, id: 1 });
  expect(emulator.received).toEqual([]);
});

test("qom-set of an object behind a link never reaches the emulator", async () => {
  const { emulator, connect } = await lab();
  const { transport, send } = connect();
  send({ execute: "qom-set", arguments: { path: "/machine/ram", property: "merge", value: true }, id: 1 });
  await emulator.answer("qom-list", [{ name: "ram", type: "link<memory-backend>" }]);
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({ error: { desc: expect.stringContaining("not the board's own") } });
  expect(emulator.received).toEqual([]);
});

test("qom-set of a number of the board's own is passed on, and the emulator serves no other board", async () => {
  const { emulator, connect, spoiled } = await lab();
  const { transport, send } = connect();
  send({ execute: "qom-set", arguments: { path: "/machine/soc", property: "temperature", value: 21 }, id: 1 });
  await emulator.answer("qom-list", [{ name: "soc", type: "child<soc>" }]);
  await emulator.answer("qom-list", [{ name: "temperature", type: "int32" }]);
  await emulator.answer("qom-set");
  await turn();
  expect(transport.sent.at(-1)).toEqual({ return: {}, id: 1 });
  expect(spoiled).toEqual(["spoiled"]);
});

test.each(["query-status", "qom-list", "qom-get", "system_reset", "stop", "cont"])(
  "the command %s is passed on",
  async (command) => {
    const { emulator, connect } = await lab();
    connect().send({ execute: command, arguments: { path: "/" } });
    expect(await emulator.request(command)).toMatchObject({ arguments: { path: "/" } });
  },
);

test("only what changes something keeps the emulator from serving another board", async () => {
  const { emulator, connect, spoiled } = await lab();
  const { send } = connect();
  send({ execute: "query-status" });
  await emulator.answer("query-status");
  expect(spoiled).toEqual([]);
  send({ execute: "stop" });
  await emulator.answer("stop");
  expect(spoiled).toEqual(["spoiled"]);
});

test("a client that asks for the commands is told those that it may send", async () => {
  const { emulator, connect } = await lab();
  const { transport, send } = connect();
  send({ execute: "query-commands" });
  await emulator.answer("query-commands", [{ name: "quit" }, { name: "query-status" }, { name: "qom-set" }]);
  await turn();
  expect(transport.sent.at(-1)).toEqual({ return: [{ name: "query-status" }, { name: "qom-set" }] });
});

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
  ["what is not quite JSON", '{"execute": }', "JSON parse error"],
  ["what is not a request", '{"command": "stop"}', "'command' is unexpected"],
  ["a request without a command", '{"id": 1}', "lacks member 'execute'"],
  ["a list", "[1]", "must be a JSON object"],
  ["a command that is no text", '{"execute": 1}', "must be a string"],
  ["arguments that are no object", '{"execute": "stop", "arguments": 1}', "must be an object"],
  ["out-of-band execution that was not agreed on", '{"exec-oob": "query-status"}', "'exec-oob' is unexpected"],
  ["what nests too deeply", `{"execute":"stop","id":${"[".repeat(10_000)}`, "nested too deeply"],
  ["an id that nests too deeply", `{"execute":"stop","id":${"[".repeat(99)}${"]".repeat(99)}}`, "nested too deeply"],
])("%s is answered by an error, and the connection goes on", async (_, text, description) => {
  const { emulator, connect } = await lab();
  const { transport, send, sendText } = connect();
  sendText(text);
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({
    error: { class: "GenericError", desc: expect.stringContaining(description) },
  });
  expect(transport.closedFor).toBeUndefined();
  send({ execute: "query-status", id: "next" });
  await emulator.answer("query-status", "fine");
  await turn();
  expect(transport.sent.at(-1)).toEqual({ return: "fine", id: "next" });
});

test("what is no UTF-8 is answered by an error, and the connection goes on", async () => {
  const { connect } = await lab();
  const { transport, client } = connect();
  client.receive(Buffer.concat([Buffer.from('{"execute":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}\n')]));
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({ error: { desc: expect.stringContaining("invalid UTF-8") } });
  expect(transport.closedFor).toBeUndefined();
});

test("half an object waits for its other half, and holds up nobody else", async () => {
  const { emulator, connect } = await lab();
  const [half, whole] = [connect(), connect()];
  await turn();
  half.client.receive(Buffer.from('{"execute": "query-'));
  whole.send({ execute: "query-name", id: 1 });
  await emulator.answer("query-name", "whole");
  await turn();
  expect(whole.transport.sent.at(-1)).toEqual({ return: "whole", id: 1 });
  expect(half.transport.sent).toHaveLength(2);
  half.client.receive(Buffer.from('status", "id": 2}'));
  await emulator.answer("query-status", "half");
  await turn();
  expect(half.transport.sent.at(-1)).toEqual({ return: "half", id: 2 });
});

test("out of band, an answer overtakes those before it", async () => {
  const { emulator, connect } = await lab();
  const { transport, send } = connect(["oob"]);
  send({ execute: "system_reset", id: "slow" });
  await turn();
  send({ "exec-oob": "query-status", id: "quick" });
  await emulator.answer("query-status", "now");
  await turn();
  expect(transport.sent.at(-1)).toEqual({ return: "now", id: "quick" });
  await emulator.answer("system_reset");
  await turn();
  expect(transport.sent.at(-1)).toEqual({ return: {}, id: "slow" });
});

test("out of band, nothing but looking is taken", async () => {
  const { emulator, connect } = await lab();
  const { transport, send } = connect(["oob"]);
  await turn();
  send({ "exec-oob": "stop", id: 1 });
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({
    error: { desc: expect.stringContaining("does not support OOB") },
    id: 1,
  });
  expect(emulator.received).toEqual([]);
});

test("a capability that nobody has cannot be enabled", async () => {
  const { connect } = await lab();
  const { transport, send } = connect(["teleport"]);
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({ error: { desc: expect.stringContaining("teleport") } });
  send({ execute: "qmp_capabilities", id: 2 });
  await turn();
  expect(transport.sent.at(-1)).toEqual({ return: {}, id: 2 });
});

test("a capability that says of itself that it is no text is refused like any other", async () => {
  const { connectOnly } = await lab();
  const { transport, send } = connectOnly();
  send({ execute: "qmp_capabilities", arguments: { enable: [{ toString: 1, valueOf: 1 }] }, id: 1 });
  await turn();
  expect(transport.sent.at(-1)).toMatchObject({ error: { desc: expect.stringContaining("toString") }, id: 1 });
  send({ execute: "qmp_capabilities", id: 2 });
  await turn();
  expect(transport.sent.at(-1)).toEqual({ return: {}, id: 2 });
});

test("an answer that no client can be told ends its connection, and nothing else", async () => {
  const { emulator, connect } = await lab();
  const [asking, other] = [connect(), connect()];
  asking.send({ execute: "query-status", id: 1 });
  const { id } = await emulator.request("query-status");
  const [opening, closing] = ["[", "]"].map((bracket) => bracket.repeat(100_000));
  emulator.write(`{"return": ${opening}${closing}, "id": ${id}}\n`);
  await expect.poll(() => asking.transport.closedFor).toBe("what the emulator answered cannot be told");
  other.send({ execute: "query-name", id: 2 });
  await emulator.answer("query-name", "fine");
  await turn();
  expect(other.transport.sent.at(-1)).toEqual({ return: "fine", id: 2 });
});

test("a client that does not read loses events, which it is told of, and then its connection; others are unharmed", async () => {
  const { emulator, connect, proxy } = await lab();
  const [slow, quick] = [connect(), connect()];
  await turn();
  slow.transport.bufferedBytes = 1024 * 1024;
  for (let count = 0; count < 1_700; count++) emulator.say({ event: "RESET", data: { guest: true } });
  await turn();
  expect(slow.transport.sent).toHaveLength(2);
  expect(slow.client.droppedEvents).toBe(1_700);
  expect(quick.transport.sent).toHaveLength(1_702);
  slow.transport.bufferedBytes = 0;
  slow.client.drained();
  expect(slow.transport.sent.at(-1)).toMatchObject({ event: "__dev.emufarm_EVENTS_DROPPED", data: { count: 1_700 } });
  slow.send({ execute: "query-status", id: 1 });
  await turn();
  slow.transport.bufferedBytes = 8 * 1024 * 1024;
  await emulator.answer("query-status");
  await turn();
  expect(slow.transport.closedFor).toBe("the client does not read");
  expect(proxy.clientCount).toBe(1);
});

test("a client that does not read is not listened to until it does", async () => {
  const { emulator, connect } = await lab();
  const { transport, client, send } = connect();
  await turn();
  transport.bufferedBytes = 1024 * 1024;
  for (let id = 0; id < 50; id++) send({ execute: "query-status", id });
  await turn();
  expect(transport.isPaused).toBe(true);
  expect(emulator.received).toEqual([]);
  transport.bufferedBytes = 0;
  client.drained();
  await turn();
  expect(emulator.received).toHaveLength(16);
  for (let id = 0; id < 50; id++) await emulator.answer("query-status", id);
  await turn();
  expect(transport.isPaused).toBe(false);
  expect(transport.sent.slice(2)).toEqual(Array.from({ length: 50 }, (_, id) => ({ return: id, id })));
});

test("ten megabytes that never end are cut off with a word", async () => {
  const { connect, proxy } = await lab();
  const { transport, client } = connect();
  await turn();
  client.receive(Buffer.from('{"execute":"'));
  for (let count = 0; count < 160; count++) client.receive(Buffer.alloc(65_536, "x"));
  expect(transport.sent.at(-1)).toMatchObject({ error: { desc: expect.stringContaining("too large") } });
  expect(transport.closedFor).toContain("larger than");
  expect(proxy.clientCount).toBe(0);
});

test("no client can have more than sixteen commands under way", async () => {
  const { emulator, connect } = await lab();
  const { send, transport } = connect();
  await turn();
  for (let id = 0; id < 50; id++) send({ execute: "query-status", id });
  await turn();
  expect(emulator.received).toHaveLength(16);
  expect(transport.isPaused).toBe(true);
});

test("a flood of requests in one chunk is answered one by one, in order", async () => {
  const { connect } = await lab();
  const { client, transport } = connect();
  await turn();
  const requests = 60_000;
  client.receive(Buffer.from(Array.from({ length: requests }, (_, id) => `{"id":${id}}`).join("")));
  await expect.poll(() => transport.sent.at(-1)?.id, { timeout: 60_000 }).toBe(requests - 1);
  const ids = transport.sent.flatMap(({ id }) => (id === undefined ? [] : [id]));
  expect(ids).toEqual(Array.from({ length: requests }, (_, id) => id));
});

test("clients stay when the emulator ends, are told so, and go on with the next one", async () => {
  const { emulator, session, connect, proxy } = await lab();
  const { transport, send } = connect();
  send({ execute: "query-status", id: "cut off" });
  await emulator.request("query-status");
  emulator.end();
  await session.closed;
  proxy.unplug(1, { reason: "GuestCrashed" });
  send({ execute: "query-status", id: "in between" });
  await turn();
  expect(transport.sent.slice(2)).toEqual([
    { event: "__dev.emufarm_EXITED", data: { boot: 1, reason: "GuestCrashed" }, timestamp: expect.anything() },
    { error: { class: "GenericError", desc: expect.stringContaining("ended") }, id: "cut off" },
    { error: { class: "GenericError", desc: expect.stringContaining("board is off") }, id: "in between" },
  ]);
  const next = await emulatorWithSession();
  proxy.plug({ session: next.session, boot: 2, spoil() {} });
  expect(transport.sent.at(-1)).toMatchObject({ event: "__dev.emufarm_BOOTED", data: { boot: 2 } });
  send({ execute: "query-status", id: "again" });
  await next.emulator.answer("query-status", "running");
  await turn();
  expect(transport.sent.at(-1)).toEqual({ return: "running", id: "again" });
  expect(transport.closedFor).toBeUndefined();
});

test("when the board goes, its clients are let go with a reason", async () => {
  const { connect, proxy } = await lab();
  const { transport } = connect();
  proxy[Symbol.dispose]();
  expect(transport.closedFor).toBe("the board has gone");
  expect(proxy.clientCount).toBe(0);
});

test("a client that comes before the first boot is greeted too", async () => {
  const transport = new RecordingTransport();
  new QmpProxy().connect(transport);
  expect(transport.sent).toEqual([
    { QMP: { version: { qemu: expect.anything(), package: expect.anything() }, capabilities: ["oob"] } },
  ]);
});
