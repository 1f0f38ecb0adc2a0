import { afterAll, beforeAll, expect, test } from "vitest";
import { framePayload } from "../../../src/core/gdb/gdb-packet.ts";
import type { GpioState } from "../../../src/core/wire/gpio.ts";
import { CHANNELS, type Channel, FaultLab, type Raw } from "./fault-lab.ts";

const MIB = 1024 * 1024;
/** What one fault may leave behind in the agent's memory, garbage that was not collected yet included. */
const MAX_GROWTH_MIB = 160;

let lab: FaultLab;

beforeAll(async () => {
  lab = await FaultLab.start();
});

afterAll(() => lab[Symbol.asyncDispose]());

/** Sends to a channel, and vanishes. */
async function sendTo(channel: Channel, ...parts: readonly (string | Uint8Array)[]): Promise<void> {
  using raw = await lab.open(channel);
  for (const part of parts) await raw.write(part);
}

const negotiated = '{"execute":"qmp_capabilities"}\n';

/** Sends requests to a negotiated session of QMP; settles once what follows them was answered. */
async function askQmp(...requests: readonly (string | Uint8Array)[]): Promise<string> {
  using raw = await lab.open("qmp");
  await raw.write(negotiated);
  for (const request of requests) {
    await raw.write(request);
    await raw.write("\n");
  }
  await raw.write('{"execute":"query-status","id":"last"}\n');
  await raw.says('"id":"last"');
  return raw.text;
}

const FORBIDDEN = [
  '{"execute":"quit"}',
  '{"execute":"qu\\u0069t"}',
  '{"execute":"query-status","execute":"quit"}',
  '{"exec-oob":"quit"}',
  ...["quit", "QUIT", " quit", "quit\\n", "__proto__", "x-exit-preconfig"].map((name) => `{"execute":"${name}"}`),
  ...["quit", "q", "info status\\nquit", "info status;quit", "pmemsave 0 16 /tmp/x", "migrate exec:id", "savevm x"].map(
    (line) => `{"execute":"human-monitor-command","arguments":{"command-line":"${line}"}}`,
  ),
  '{"execute":"migrate","arguments":{"uri":"exec:touch /tmp/x"}}',
  '{"execute":"object-add","arguments":{"qom-type":"secret","id":"s","file":"/etc/passwd"}}',
  '{"execute":"chardev-add","arguments":{"id":"c","backend":{"type":"file","data":{"out":"/tmp/x"}}}}',
  '{"execute":"blockdev-add","arguments":{"driver":"file","node-name":"n","filename":"/etc/passwd"}}',
  '{"execute":"dump-guest-memory","arguments":{"paging":false,"protocol":"file:/tmp/x"}}',
  '{"execute":"screendump","arguments":{"filename":"/tmp/x"}}',
  '{"execute":"qom-set","arguments":{"path":"/machine","property":"dtb","value":"/etc/passwd"}}',
];

/** A debugger's packets; settles once this was answered. */
async function askGdb(raw: Raw, payload: string, answer: string): Promise<void> {
  const from = raw.text.length;
  await raw.write(framePayload(payload));
  await expect.poll(() => raw.text.slice(from)).toContain(answer);
}

/** The line is driven by the protocol. */
async function expectDriving(): Promise<void> {
  using pins = await lab.open("gpio");
  for (const level of [0, 1]) {
    await pins.write(`SET 17 ${level}\n`);
    const state = () => lab.victim.request<GpioState>({ method: "GET", path: "gpio" });
    await expect.poll(async () => (await state()).lines.find(({ number }) => number === 17)?.driven).toBe(level);
  }
}

const FAULTS: readonly { readonly name: string; inflict(): Promise<void> }[] = [
  {
    name: "garbage, half lines, lines of 1 MB and unknown pins at the pins",
    async inflict() {
      const garbage = Buffer.from(Array.from({ length: 64 * 1024 }, (_, at) => (at * 167 + (at >> 8)) & 0xff));
      await sendTo("gpio", garbage, Buffer.alloc(MIB, "x"), "\nSET 999 1\nSET 17 2\nSET 1", Buffer.alloc(MIB, "SET "));
      const refused = async () => (await lab.victim.request<GpioState>({ method: "GET", path: "gpio" })).refused;
      const before = (await refused()) ?? 0;
      using pins = await lab.open("gpio");
      await pins.write("SET 999 1\nSET 17 2\nhello\n");
      await expect.poll(refused).toBe(before + 3);
      await expectDriving();
    },
  },
  {
    name: "a hundred thousand edges, with viewers that never read",
    async inflict() {
      using deaf = await lab.open("gpio");
      deaf.socket.pause();
      const socket = await lab.victim.openWebSocket("gpio", () => {});
      socket.pause();
      using reader = await lab.open("gpio");
      await lab.ask("o 3");
      await lab.ask("t 3 100000");
      await expect.poll(() => reader.text.match(/^GPIO 3 [01]$/gm)?.length, { timeout: 60_000 }).toBe(100_000);
      socket.terminate();
    },
  },
  {
    name: "a writer that dies with the pen in its hand, in the middle of a line",
    async inflict() {
      {
        using writer = await lab.open("uart0");
        await writer.write("r 5\nr");
        await expect.poll(() => writer.text.match(/^r [01]$/gm)).toHaveLength(1);
      }
      using next = await lab.open("uart0");
      await next.write(" 5\n");
      await expect.poll(() => next.text.match(/^r [01]$/gm)).toHaveLength(2);
    },
  },
  {
    name: "two who write to one UART, on every way to it",
    async inflict() {
      using writer = await lab.open("uart0");
      await writer.write("c\n");
      await expect.poll(() => writer.text.match(/^c 0$/gm)).toHaveLength(1);
      for (const channel of ["uart0", "uart0-rfc2217"] as const) {
        using other = await lab.open(channel);
        await other.write("t 3 7\n");
        await other.says("[emufarm: what you send is not taken: somebody else writes]");
      }
      await writer.write("c\n");
      await expect.poll(() => writer.text.match(/^c 0$/gm)).toHaveLength(2);
      expect(writer.text).not.toMatch(/^t 7$/m);
    },
  },
  {
    name: "500 connections at one UART",
    async inflict() {
      const raws = await Promise.all(Array.from({ length: 500 }, () => lab.open("uart0")));
      await expect.poll(() => raws.filter(({ text }) => text.includes("and takes no more]")).length).toBe(500 - 64);
      for (const raw of raws) raw[Symbol.dispose]();
    },
  },
  {
    name: "half an object by QMP, from a client that vanishes",
    inflict: () => sendTo("qmp", negotiated, '{"execute": "query-'),
  },
  {
    name: "10 MB of one object by QMP",
    async inflict() {
      using raw = await lab.open("qmp");
      await raw.write(`{"execute":"`);
      await raw.write(Buffer.alloc(10 * MIB, "x"));
      await raw.closed;
    },
  },
  {
    name: "deep nesting, bytes that are no UTF-8, and what says of itself that it is no text, by QMP",
    async inflict() {
      const broken = [`{"id":${"[".repeat(10_000)}`, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])];
      const said = await askQmp(...broken, `{"id":${"[".repeat(60)}${"]".repeat(60)}}`);
      expect(said).toContain("nested too deeply");
      expect(said).toContain("invalid UTF-8");
      using raw = await lab.open("qmp");
      await raw.write('{"execute":"qmp_capabilities","arguments":{"enable":[{"toString":1,"valueOf":1}]}}\n');
      await raw.says("does not accept value");
    },
  },
  {
    name: "every spelling of commands that QMP does not have for strangers",
    async inflict() {
      const said = await askQmp(...FORBIDDEN);
      expect(said.match(/"error"/g)).toHaveLength(FORBIDDEN.length);
    },
  },
  {
    name: "a flood of Telnet commands whose answers nobody reads",
    async inflict() {
      using raw = await lab.open("uart0-rfc2217");
      raw.socket.pause();
      const subnegotiation = [255, 250, 44, 5, 7, 255, 240];
      await raw.write(Buffer.alloc(3 * MIB, Buffer.from([255, 251, 44, ...subnegotiation, 255, 253, 7])));
    },
  },
  {
    name: "a client of RFC 2217 that vanishes in the middle of an option, with its break on",
    async inflict() {
      await sendTo("uart0-rfc2217", Buffer.from([255, 251, 44, 255, 250, 44, 5, 5, 255, 240, 255, 250, 44, 1, 0]));
    },
  },
  {
    name: "10 MB of one packet at the debugger's port",
    async inflict() {
      using raw = await lab.open("gdb");
      await raw.write("$");
      await raw.write(Buffer.alloc(10 * MIB, "a"));
      await raw.closed;
    },
  },
  {
    name: "a debugger that wants files and the monitor, asks for its answers again, and never reads",
    async inflict() {
      using raw = await lab.open("gdb");
      await askGdb(raw, "?", "$T05");
      await askGdb(raw, "vFile:open:2f6574632f706173737764,0,0", "$#00");
      await askGdb(raw, `qRcmd,${Buffer.from("quit").toString("hex")}`, "$O");
      raw.socket.pause();
      await raw.write(framePayload("m0,400"));
      await raw.write(Buffer.alloc(4 * MIB, "-"));
      raw.socket.resume();
      await raw.closed;
    },
  },
  {
    name: "a debugger that vanishes while the CPU stands",
    async inflict() {
      using raw = await lab.open("gdb");
      await askGdb(raw, "?", "$T05");
    },
  },
  {
    name: "a debugger that kills its program",
    async inflict() {
      const { boots } = await lab.agent.statusWhen("victim", () => true);
      using raw = await lab.open("gdb");
      await askGdb(raw, "?", "$T05");
      await raw.write(framePayload("k"));
      await lab.agent.statusWhen("victim", (status) => status.boots > boots && status.isReady);
    },
  },
  {
    name: "questions without end at the monitor, whose answers nobody reads, and a line without end",
    async inflict() {
      using deaf = await lab.open("monitor");
      deaf.socket.pause();
      deaf.socket.write(Buffer.alloc(2 * MIB, "x /512xw 0\n"));
      using raw = await lab.open("monitor");
      await raw.write(Buffer.alloc(10 * MIB, "x"));
      await raw.closed;
      using next = await lab.open("monitor");
      await next.write("info status\n");
      await next.says("VM status: running");
    },
  },
  {
    name: "HTTP at every port",
    async inflict() {
      const before = await lab.metric("emufarm_agent_raw_port_http_total");
      for (const channel of CHANNELS) {
        using raw = await lab.open(channel);
        await raw.write("GET / HTTP/1.1\r\nhost: board\r\n\r\n");
        await raw.closed;
      }
      expect(await lab.metric("emufarm_agent_raw_port_http_total")).toBe(before + CHANNELS.length);
    },
  },
];

test.for(FAULTS)("seven boards go on beside $name, and so does the eighth", async ({ name, inflict }) => {
  const before = await lab.residentMiB();
  await inflict();
  await lab.expectNeighboursUnharmed(`beside ${name}`);
  expect((await lab.residentMiB()) - before).toBeLessThan(MAX_GROWTH_MIB);
  expect(await lab.ask("o 3")).toBe(1);
  await lab.expectNeighboursUnharmed(`after ${name}`);
});

test("every channel is closed when the board is deleted, with the reason where it has words", async () => {
  const raws = new Map<Channel, Raw>();
  for (const channel of CHANNELS) raws.set(channel, await lab.open(channel));
  // A client of RFC 2217 is shown nothing before it has spoken.
  await raws.get("uart0-rfc2217")?.write(Buffer.from([255, 251, 44]));
  for (const channel of ["uart0", "uart0-rfc2217"] as const) await raws.get(channel)?.says("pins");
  await raws.get("monitor")?.says("(qemu)");
  await raws.get("qmp")?.says("QMP");
  const gdb = raws.get("gdb");
  if (gdb) await askGdb(gdb, "?", "$T05");
  const reasons: string[] = [];
  const sockets = await Promise.all(
    ["uarts/uart0", "gpio", "qmp", "events"].map(async (path) => {
      const socket = await lab.victim.openWebSocket(path, () => {});
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.once("close", (_, reason: Buffer) => {
        reasons.push(reason.toString());
        resolve();
      });
      return { closed: promise };
    }),
  );
  await lab.deleteVictim();
  await Promise.all([...sockets, ...raws.values()].map(({ closed }) => closed));
  for (const channel of ["uart0", "uart0-rfc2217", "semihosting"] as const) {
    expect(raws.get(channel)?.text).toContain("[emufarm: the instance was deleted]");
  }
  expect(raws.get("gpio")?.text).toMatch(/^ERROR the instance was deleted\n$/m);
  expect(raws.get("monitor")?.text).toMatch(/\r\nthe instance was deleted\r\n$/);
  expect(reasons).toHaveLength(sockets.length);
  expect(reasons.filter((reason) => reason === "")).toEqual([]);
  await lab.expectNeighboursUnharmed("after the deletion");
});
