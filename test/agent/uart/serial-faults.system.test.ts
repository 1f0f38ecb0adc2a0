import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Agent, fetch } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { AgentLab, readUntil } from "../attempt/agent-lab.ts";
import { runPython, startShell } from "./serial-lab.ts";

const NEIGHBOURS = 7;
const BOARD = "mps2-an385";

/** A connection to a raw port, with what it has said. */
class Raw {
  readonly socket: Socket;
  text = "";

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1" });
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => {
      this.text += chunk.toString("latin1");
    });
  }

  async answers(words: string): Promise<void> {
    this.socket.write(`echo ${words}\n`);
    await expect.poll(() => this.text).toContain(`${words}\n> `);
  }
}

let lab: AgentLab;
let neighbours: Raw[];
let emulators: number[];
let ports: ReadonlyMap<string, number>;

async function start(uid: string): Promise<ReadonlyMap<string, number>> {
  const { status } = await startShell(lab, uid, BOARD);
  await readUntil(lab.client.log({ instance: uid }, "uart0", { isFollowed: true }), "> ");
  return new Map(status.endpoints.map(({ name, port }) => [name, port]));
}

beforeAll(async () => {
  lab = await AgentLab.start({ EMUFARM_SLOTS: String(NEIGHBOURS + 1) });
  neighbours = [];
  for (let index = 0; index < NEIGHBOURS; index++) {
    neighbours.push(new Raw((await start(`neighbour-${index}`)).get("uart0") ?? 0));
  }
  emulators = await lab.emulators();
  ports = await start("victim");
});

afterAll(async () => {
  for (const { socket } of neighbours) socket.destroy();
  await lab[Symbol.asyncDispose]();
});

/** Each of them still answers, in the emulator that it had. */
async function expectNeighboursUnharmed(words: string): Promise<void> {
  await Promise.all(neighbours.map((neighbour) => neighbour.answers(words)));
  const now = await lab.emulators();
  expect(emulators.filter((pid) => !now.includes(pid))).toEqual([]);
}

async function metric(name: string): Promise<number> {
  const dispatcher = new Agent({ connect: { socketPath: lab.address.slice("unix:".length) } });
  const answer = await fetch("http://agent/metrics", { dispatcher });
  const text = await answer.text();
  await dispatcher.close();
  return Number(new RegExp(`^${name} (\\d+)`, "m").exec(text)?.[1] ?? 0);
}

describe("A UART that is ill-treated", () => {
  test("takes no more than it can bear of 500 connections, tells the others, and goes on", async () => {
    const raws = Array.from({ length: 500 }, () => new Raw(ports.get("uart0") ?? 0));
    await expect.poll(() => raws.filter(({ text }) => text.includes("and takes no more]")).length).toBe(500 - 64);
    const taken = raws.filter(({ socket, text }) => !socket.destroyed && text.includes("emufarm shell"));
    expect(taken).toHaveLength(64);
    await taken[0]?.answers("one of many");
    await expect.poll(() => taken.every(({ text }) => text.includes("one of many"))).toBe(true);
    await expectNeighboursUnharmed("beside 500 connections");
    for (const { socket } of raws) socket.resetAndDestroy();
  });

  test("takes no more than it can bear of 500 consoles, and refuses the others in words", async () => {
    const opened: WebSocket[] = [];
    const refused: unknown[] = [];
    for (let batch = 0; batch < 10; batch++) {
      const attempts = Array.from({ length: 50 }, () =>
        lab.client.openConsole({ instance: "victim" }, "uart0", () => {}),
      );
      for (const one of await Promise.allSettled(attempts)) {
        if (one.status === "fulfilled") opened.push(one.value);
        else refused.push(one.reason.code);
      }
    }
    expect(new Set(refused)).toEqual(new Set(["TooManyViewers"]));
    expect(opened.length).toBeLessThanOrEqual(130);
    expect(opened.length + refused.length).toBe(500);
    for (const socket of opened) socket.terminate();
    await expectNeighboursUnharmed("beside 500 consoles");
    const again = new Raw(ports.get("uart0") ?? 0);
    await again.answers("after the consoles");
    again.socket.destroy();
  });

  test.each(["uart0", "uart0-rfc2217"])("closes HTTP at %s", async (channel) => {
    const browser = connect({ port: ports.get(channel) ?? 0, host: "127.0.0.1" });
    browser.resume();
    browser.write("GET / HTTP/1.1\r\nhost: board\r\n\r\n");
    await once(browser, "close");
    await expectNeighboursUnharmed("beside a browser");
  });

  test("bears garbage by RFC 2217, with seven neighbours unharmed", async () => {
    const noise = Buffer.alloc(4 * 1024 * 1024);
    for (let at = 0; at < noise.length; at++) noise[at] = [255, 250, 44, 5, 240, 253, 251, at & 255][at % 8] ?? 0;
    const flooder = connect({ port: ports.get("uart0-rfc2217") ?? 0, host: "127.0.0.1" });
    flooder.on("error", () => {});
    flooder.resume();
    flooder.write(noise, () => flooder.destroy());
    await expectNeighboursUnharmed("beside a flood");
    if (!flooder.destroyed) await once(flooder, "close");
    await expectNeighboursUnharmed("after a flood");
  });

  test.runIf(process.env.EMUFARM_TEST_PYTHON)("is what it was for a tool that comes after all that", async () => {
    const url = `rfc2217://127.0.0.1:${ports.get("uart0-rfc2217")}`;
    expect(await runPython("use_port.py", url, "rfc2217")).toMatchObject({ code: 0, output: "done\n" });
  });
});

describe("Sessions at a UART", () => {
  test("stay open over a reset, another firmware, and the emulator's death; each boot is told", async () => {
    const [raw, rfc2217] = [new Raw(ports.get("uart0") ?? 0), new Raw(ports.get("uart0-rfc2217") ?? 0)];
    let seen = "";
    const notices: { type: string; boot?: number }[] = [];
    const console = await lab.client.openConsole({ instance: "victim" }, "uart0", (data, isText) => {
      if (isText) notices.push(JSON.parse(data.toString()));
      else seen += data.toString();
    });
    const banners = (text: string) => text.split("emufarm shell on").length - 1;
    await expect.poll(() => [seen, raw.text, rfc2217.text].every((text) => banners(text) > 0)).toBe(true);
    const before = banners(seen);
    const [victim] = (await lab.client.instances()).filter(({ uid }) => uid === "victim");
    const { status } = await startShell(lab, "victim", BOARD, { generation: 2, resetCount: 1 });
    await expect.poll(() => banners(seen)).toBe(before + 1);
    await startShell(lab, "victim", BOARD, { generation: 3, resetCount: 1, isOtherFirmware: true });
    await expect.poll(() => banners(seen)).toBe(before + 2);
    const killed = (await lab.emulators()).filter((pid) => !emulators.includes(pid));
    expect(killed).toHaveLength(1);
    process.kill(killed[0] as number, "SIGKILL");
    await expect.poll(() => notices.some(({ type }) => type === "off")).toBe(true);
    await startShell(lab, "victim", BOARD, { generation: 4, resetCount: 2, isOtherFirmware: true });
    await expect.poll(() => banners(seen)).toBe(before + 3);
    for (const one of [raw, rfc2217]) await expect.poll(() => banners(one.text)).toBe(banners(seen));
    await raw.answers("still by the same connection");
    expect(notices.filter(({ type }) => type === "boot")).toHaveLength(2);
    expect(victim?.endpoints).toEqual(status.endpoints);
    console.terminate();
    for (const { socket } of [raw, rfc2217]) socket.destroy();
    await expectNeighboursUnharmed("beside a board that dies");
  });

  test("are each closed with a reason when the instance is deleted", async () => {
    const raws = [new Raw(ports.get("uart0") ?? 0), new Raw(ports.get("uart0-rfc2217") ?? 0)];
    const console = await lab.client.openConsole({ instance: "victim" }, "uart0", () => {});
    await expect.poll(() => raws.every(({ text }) => text.includes("emufarm shell"))).toBe(true);
    const ends = raws.map(({ socket }) => once(socket, "close"));
    const consoleEnd = once(console, "close");
    await lab.client.deleteInstance("victim");
    await Promise.all(ends);
    for (const { text } of raws) expect(text).toContain("[emufarm: the instance was deleted]");
    const [code, reason] = (await consoleEnd) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1000, "the instance was deleted"]);
    expect(await metric("emufarm_agent_raw_port_http_total")).toBe(2);
    await expectNeighboursUnharmed("after the deletion");
  });
});
