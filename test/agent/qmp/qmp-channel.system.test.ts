import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DesiredStateInput } from "../../../src/core/wire/desired-state.ts";
import type { PropertyEntry } from "../../../src/core/wire/property.ts";
import { AgentLab, exampleImage, readUntil } from "../attempt/agent-lab.ts";

let lab: AgentLab;
let desired: DesiredStateInput;

beforeAll(async () => {
  lab = await AgentLab.start();
  desired = await lab.desired("board", await exampleImage("mps2-an385", "shell"), {
    channels: [
      { name: "qmp", tcp: true },
      { name: "monitor", tcp: true },
    ],
  });
  await lab.client.putDesired(desired);
  await lab.statusWhen("board", ({ isReady }) => isReady);
});

afterAll(() => lab[Symbol.asyncDispose]());

async function portOf(channel: string): Promise<number> {
  const { endpoints } = await lab.statusWhen("board", ({ isReady }) => isReady);
  return endpoints.find(({ name }) => name === channel)?.port ?? 0;
}

type Message = Record<string, unknown>;

/** A client on the raw port, greeted and through its negotiation. */
class RawQmp implements Disposable {
  readonly socket: Socket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async open(capabilities: Message = {}): Promise<RawQmp> {
    const qmp = new RawQmp(connect({ port: await portOf("qmp"), host: "127.0.0.1" }));
    expect(await qmp.next()).toMatchObject({ QMP: { version: { qemu: { major: expect.any(Number) } } } });
    qmp.send({ execute: "qmp_capabilities", ...capabilities });
    expect(await qmp.next()).toEqual({ return: {} });
    return qmp;
  }

  send(request: Message): void {
    this.socket.write(`${JSON.stringify(request)}\n`);
  }

  async next(): Promise<Message> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the connection has ended");
    return JSON.parse(value);
  }

  /** The next message that fits; those before it are skipped. */
  async until(fits: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const message = await this.next();
      if (fits(message)) return message;
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

const isAnswerTo = (id: unknown) => (message: Message) => message.id === id;
const isEvent = (name: string) => (message: Message) => message.event === name;

test("two clients of the raw port have their own answers, and both have the events", async () => {
  using a = await RawQmp.open();
  using b = await RawQmp.open();
  a.send({ execute: "query-status", id: 1 });
  b.send({ execute: "query-version", id: 1 });
  expect(await a.until(isAnswerTo(1))).toMatchObject({ return: { status: "running" } });
  expect(await b.until(isAnswerTo(1))).toMatchObject({ return: { qemu: expect.anything() } });
  a.send({ execute: "stop", id: 2 });
  for (const client of [a, b]) await client.until(isEvent("STOP"));
  b.send({ execute: "cont", id: 2 });
  for (const client of [a, b]) await client.until(isEvent("RESUME"));
});

test.runIf(process.env.EMUFARM_TEST_PYTHON)("QEMU's own qmp-shell speaks to the raw port", async () => {
  const python = process.env.EMUFARM_TEST_PYTHON ?? "";
  const address = `127.0.0.1:${await portOf("qmp")}`;
  const shell = async (options: string[], ...lines: string[]) => {
    const args = [join(dirname(python), "qmp-shell"), ...options, address];
    const env = { ...process.env, HOME: lab.folder };
    const running = promisify(execFile)(python, args, { timeout: 120_000, env });
    running.child.stdin?.end(`${lines.join("\n")}\n`);
    return (await running).stdout;
  };
  const said = await shell([], "query-status", "qom-get path=/machine property=type", "quit");
  expect(said).toContain("Connected to QEMU");
  expect(said).toMatch(/"status": "running"/);
  expect(said).toContain('{"return": "mps2-an385-machine"}');
  expect(said).toContain("CommandNotFound");
  expect(await shell(["-H"], "info status")).toContain("VM status: running");
});

test("a client stays through a restart of the emulator, and goes on with the next one", async () => {
  using client = await RawQmp.open();
  const instance = { instance: "board" };
  await lab.client.control(instance, "powerOff");
  expect(await client.until(isEvent("__dev.emufarm_EXITED"))).toMatchObject({ data: { reason: "Stopped" } });
  client.send({ execute: "query-status", id: "off" });
  expect(await client.until(isAnswerTo("off"))).toMatchObject({ error: { desc: expect.stringContaining("off") } });
  await lab.client.control(instance, "powerOn");
  await client.until(isEvent("__dev.emufarm_BOOTED"));
  client.send({ execute: "query-status", id: "on" });
  expect(await client.until(isAnswerTo("on"))).toMatchObject({ return: { status: "running" } });
});

test("a client that sends and never reads is bounded, and its neighbours go on", async () => {
  using neighbour = await RawQmp.open();
  using greedy = await RawQmp.open();
  greedy.socket.pause();
  const before = await residentMiB(lab.child.pid);
  const request = Buffer.from(`${JSON.stringify({ execute: "query-qmp-schema" })}\n`);
  greedy.socket.write(Buffer.alloc(32 * 1024 * 1024, request));
  for (let id = 0; id < 100; id += 1) {
    neighbour.send({ execute: "query-status", id });
    expect(await neighbour.until(isAnswerTo(id))).toMatchObject({ return: expect.anything() });
  }
  // What the agent has not read lies in the network and here.
  expect(greedy.socket.writableLength).toBeGreaterThan(0);
  expect((await residentMiB(lab.child.pid)) - before).toBeLessThan(100);
});

async function residentMiB(pid: number | undefined): Promise<number> {
  const [, pages] = (await readFile(`/proc/${pid}/statm`, "utf8")).split(" ");
  return (Number(pages) * 4) / 1024;
}

test.each(["qmp", "monitor"])("an HTTP request on the raw port %s is closed", async (channel) => {
  const socket = connect({ port: await portOf(channel), host: "127.0.0.1" }).resume();
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "close");
});

test("quit and the host's files are out of reach, and the board goes on", async () => {
  using client = await RawQmp.open();
  const attempts: Message[] = [
    { execute: "quit" },
    { execute: "migrate", arguments: { uri: "exec:touch /tmp/emufarm-was-here" } },
    { execute: "human-monitor-command", arguments: { "command-line": "quit" } },
    { execute: "human-monitor-command", arguments: { "command-line": "pmemsave 0 16 /tmp/emufarm-was-here" } },
    { execute: "object-add", arguments: { "qom-type": "secret", id: "s", file: "/etc/passwd" } },
    { execute: "chardev-add", arguments: { id: "c", backend: { type: "file", data: { out: "/tmp/x" } } } },
    { execute: "blockdev-add", arguments: { driver: "file", filename: "/etc/passwd" } },
    { execute: "dump-guest-memory", arguments: { paging: false, protocol: "file:/tmp/emufarm-was-here" } },
    { execute: "screendump", arguments: { filename: "/tmp/emufarm-was-here" } },
    { execute: "qom-set", arguments: { path: "/machine", property: "dumpdtb", value: "/tmp/emufarm-was-here" } },
    { execute: "qom-set", arguments: { path: "/machine", property: "dtb", value: "/etc/passwd" } },
  ];
  for (const [id, request] of attempts.entries()) {
    client.send({ ...request, id });
    expect(await client.until(isAnswerTo(id)), JSON.stringify(request)).toMatchObject({ error: expect.anything() });
  }
  client.send({ execute: "query-status", id: "after" });
  expect(await client.until(isAnswerTo("after"))).toMatchObject({ return: { status: "running" } });
});

test("the monitor answers what looks, and refuses the rest with a sentence", async () => {
  const asked = connect({ port: await portOf("monitor"), host: "127.0.0.1" });
  asked.write("info status\nquit\nx /1xw 0\n");
  const text = await readUntil(asked as AsyncIterable<Buffer>, "00000000: 0x");
  expect(text).toContain("VM status: running");
  expect(text).toContain("read-only");
  asked.destroy();
  const channels = lab.client.channels({ instance: "board" });
  const ask = (command: string) => channels.request({ method: "POST", path: "monitor", body: { command } });
  expect(await ask("info registers")).toMatchObject({ output: expect.stringContaining("R15=") });
  await expect(ask("quit")).rejects.toMatchObject({ code: "MonitorCommandRefused" });
});

test("properties are listed, read and set by their paths", async () => {
  const channels = lab.client.channels({ instance: "board" });
  const get = (query: string) => channels.request<Message>({ method: "GET", path: `properties?${query}` });
  const put = (body: Message) => channels.request({ method: "PUT", path: "properties", body });
  const { properties } = (await get("path=/machine")) as { properties: PropertyEntry[] };
  expect(properties).toContainEqual(
    expect.objectContaining({ name: "unattached", type: expect.stringContaining("child<") }),
  );
  expect(properties.find(({ name }) => name === "kernel")?.isSettable).toBe(false);
  expect(await get("path=/machine&name=type")).toMatchObject({
    type: "string",
    value: expect.stringContaining("mps2"),
  });
  await expect(get("path=/machine/nothing")).rejects.toMatchObject({ code: "PropertyUnknown" });
  await expect(get("path=/machine&name=nothing")).rejects.toMatchObject({ code: "PropertyUnknown" });
  await put({ path: "/machine", name: "mem-merge", value: false });
  expect(await get("path=/machine&name=mem-merge")).toMatchObject({ value: false });
  for (const [body, code] of [
    [{ path: "/machine", name: "kernel", value: true }, "PropertyRefused"],
    [{ path: "/objects", name: "x", value: true }, "PropertyRefused"],
    [{ path: "/machine", name: "mem-merge", value: 1 }, "PropertyRefused"],
    [{ path: "/machine", name: "kernel", value: "/etc/passwd" }, "InvalidRequest"],
    [{ path: "/machine/nothing", name: "x", value: true }, "PropertyUnknown"],
  ] as const) {
    await expect(put(body), JSON.stringify(body)).rejects.toMatchObject({ code });
  }
});

test("when the instance is deleted, its clients are let go", async () => {
  await lab.client.putDesired({ ...desired, uid: "short", channels: [{ name: "qmp", tcp: true }] });
  const { endpoints } = await lab.statusWhen("short", ({ isReady }) => isReady);
  const socket = connect({ port: endpoints[0]?.port ?? 0, host: "127.0.0.1" }).resume();
  await once(socket, "data");
  const closed = once(socket, "close");
  await lab.client.deleteInstance("short");
  await closed;
});
