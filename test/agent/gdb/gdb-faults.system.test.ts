import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { framePayload } from "../../../src/core/gdb/gdb-packet.ts";
import type { GpioState } from "../../../src/core/wire/gpio.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { readUntil } from "../attempt/agent-lab.ts";
import { debuggedImage, GdbLab, portOf, runGdb } from "./gdb-lab.ts";

const BOARD = "mps2-an385";

let lab: GdbLab;

beforeAll(async () => {
  lab = await GdbLab.start();
});

// A slot for each test's boards, however many tests there are.
afterEach(async () => {
  for (const { uid } of await lab.agent.client.instances()) await lab.agent.client.deleteInstance(uid);
});

afterAll(() => lab[Symbol.asyncDispose]());

/** A debugger by hand: asks, and reads until the answer is whole. */
async function ask(socket: Socket, payload: string, answer: string): Promise<void> {
  socket.write(framePayload(payload));
  let said = "";
  while (!said.includes(answer)) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    said += chunk.toString("latin1");
  }
}

async function attach(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await ask(socket, "?", "$T05");
  return socket;
}

/** Settles once a connection that says this has been closed; the kernel may call that a reset. */
async function refused(port: number, text: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(port, "127.0.0.1").resume();
  socket.on("error", () => {}).on("close", () => resolve());
  socket.write(text);
  await promise;
}

/** A byte for the guest, and its answer. */
async function answers(port: number, uid: string, expected: string): Promise<void> {
  const console = connect(port, "127.0.0.1");
  console.resume();
  console.write("x");
  await lab.said(uid, "uart0", expected);
  console.destroy();
}

test("a debugger that vanishes while the CPU stands: its breakpoints go with it, and the board goes on after a while", async () => {
  const status = await lab.instance("vanish", BOARD);
  await lab.said("vanish", "uart0", "debugged\n");
  const gdb = await attach(portOf(status, "gdb"));
  await ask(gdb, "Z0,1ec,2", "$OK");
  await lab.agent.statusWhen("vanish", ({ phase }) => phase === "Paused");
  gdb.destroy();
  await lab.agent.statusWhen("vanish", ({ phase }) => phase === "Running");
  await answers(portOf(status, "uart0"), "vanish", "debugged\n1\n");
});

test("a debugger that vanishes while the CPU runs does not stop it, and one that comes back finds it", async () => {
  const status = await lab.instance("running", BOARD);
  await lab.said("running", "uart0", "debugged\n");
  const gdb = await attach(portOf(status, "gdb"));
  await ask(gdb, "vCont?", "$vCont");
  gdb.write(framePayload("vCont;c"));
  await lab.agent.statusWhen("running", ({ phase }) => phase === "Running");
  gdb.destroy();
  await answers(portOf(status, "uart0"), "running", "debugged\n1\n");
  const said = await runGdb(await debuggedImage(BOARD), `127.0.0.1:${portOf(status, "gdb")}`, [
    "print counter",
    "detach",
  ]);
  expect(said).toContain("$1 = 1");
  await answers(portOf(status, "uart0"), "running", "debugged\n1\n4\n");
});

test("a board that was started paused stays so when its debugger goes without having let it run", async () => {
  const status = await lab.instance("paused", BOARD, { isPaused: true });
  const gdb = await attach(portOf(status, "gdb"));
  gdb.destroy();
  await once(gdb, "close");
  const said = await runGdb(await debuggedImage(BOARD), `127.0.0.1:${portOf(status, "gdb")}`, [
    "info registers pc",
    "detach",
  ]);
  expect(said).toMatch(/pc .*<_start/);
  await lab.said("paused", "uart0", "debugged\n");
});

test("a board that was started paused and that its debugger lets run goes on, until it is wished otherwise or starts anew", async () => {
  const status = await lab.instance("let-run", BOARD, { isPaused: true });
  const target = `127.0.0.1:${portOf(status, "gdb")}`;
  await runGdb(await debuggedImage(BOARD), target, ["detach"]);
  await lab.said("let-run", "uart0", "debugged\n");
  expect(await lab.agent.statusWhen("let-run", ({ phase }) => phase === "Running")).toMatchObject({ isReady: true });
  // Another wish that says nothing new of it leaves it alone.
  const again = await lab.instance("let-run", BOARD, { isPaused: true, consoleLog: "All" }, "Running");
  expect(again).toMatchObject({ isReady: true, boots: 1 });
  await answers(portOf(status, "uart0"), "let-run", "debugged\n1\n");
  await lab.instance("let-run", BOARD, { isPaused: false }, "Running");
  await lab.instance("let-run", BOARD, { isPaused: true });
  await lab.instance("let-run", BOARD, { isPaused: true, power: "Off" }, "PoweredOff");
  expect(await lab.instance("let-run", BOARD, { isPaused: true })).toMatchObject({ phase: "Paused", boots: 2 });
});

test("debuggers at several boards of several kinds at once each have their own", async () => {
  const boards = ["mps2-an385", "arm-virt", "riscv64-virt"];
  const said = await Promise.all(
    boards.map(async (board, index) => {
      const status = await lab.instance(`of-${board}`, board, { isPaused: true });
      const commands = ["break main", "continue", `set variable counter = ${10 + index}`, "print counter", "detach"];
      return await runGdb(await debuggedImage(board), `127.0.0.1:${portOf(status, "gdb")}`, commands);
    }),
  );
  for (const [index, text] of said.entries()) expect(text).toContain(`$1 = ${10 + index}`);
  for (const board of boards) await lab.said(`of-${board}`, "uart0", "debugged\n");
});

test("the debugger kills its program: the board starts over, its consoles stay, and its neighbour notices nothing", async () => {
  const status = await lab.instance("killed", BOARD);
  const neighbour = await lab.instance("neighbour", BOARD);
  await lab.said("killed", "uart0", "debugged\n");
  const console = connect(portOf(status, "uart0"), "127.0.0.1");
  console.resume();
  const said = await runGdb(await debuggedImage(BOARD), `127.0.0.1:${portOf(status, "gdb")}`, ["kill"]);
  expect(said).toContain("killed");
  const started = await lab.agent.statusWhen("killed", ({ boots, phase }) => boots === 2 && phase === "Running");
  expect(started.restarts).toBe(0);
  await lab.said("killed", "uart0", "debugged\ndebugged\n");
  expect(console.destroyed).toBe(false);
  console.destroy();
  await answers(portOf(neighbour, "uart0"), "neighbour", "debugged\n1\n");
  expect(await lab.agent.statusWhen("neighbour", () => true)).toMatchObject({ boots: 1 });
});

test("10 MB of a packet, HTTP, a second debugger: each is closed, and the first debugger goes on", async () => {
  const status = await lab.instance("bad", BOARD);
  const port = portOf(status, "gdb");
  await refused(port, `$${"a".repeat(10 * 1024 * 1024)}`);
  const gdb = await attach(port);
  await refused(port, "$?#3f");
  await refused(port, "GET / HTTP/1.1\r\n\r\n");
  await ask(gdb, "m0,4", "#");
  gdb.destroy();
});

test("files, unknown packets and broken ones are answered, and none reaches the emulator", async () => {
  const status = await lab.instance("files", BOARD);
  const gdb = await attach(portOf(status, "gdb"));
  await ask(gdb, "vFile:open:2f6574632f706173737764,0,0", "$#00");
  await ask(gdb, "qRcmd,71756974", "$O");
  gdb.write("$m0,4#00");
  await readUntil(gdb.iterator({ destroyOnReturn: false }), "-");
  gdb.destroy();
  expect(await lab.agent.statusWhen("files", () => true)).toMatchObject({ boots: 1 });
});

test("what is typed while the CPU stands is the guest's when it goes on, in order", async () => {
  const status = await lab.instance("typed", BOARD);
  await lab.said("typed", "uart0", "debugged\n");
  const gdb = await attach(portOf(status, "gdb"));
  const console = connect(portOf(status, "uart0"), "127.0.0.1");
  console.resume();
  for (const byte of "xyz") {
    console.write(byte);
    await ask(gdb, "m0,4", "#");
  }
  await ask(gdb, "D;1", "$OK");
  await lab.said("typed", "uart0", "debugged\n1\n4\n13\n");
  for (const socket of [console, gdb]) socket.destroy();
});

test("pins stay connected while the CPU stands: what drives them then, and what the guest did before and does after, is seen", async () => {
  const board = "microbit";
  const image = await readFile(join(await buildFirmware(), board, "pins.elf"));
  const channels = ["uart0", "gpio", "gdb"].map((name) => ({ name, tcp: true }));
  await lab.agent.client.putDesired(await lab.agent.desired("pins", image, { channels }, board));
  const status = await lab.agent.statusWhen("pins", ({ phase }) => phase === "Running");
  await lab.said("pins", "uart0", "pins\n");
  const [console, pins] = ["uart0", "gpio"].map((name) => connect(portOf(status, name), "127.0.0.1")) as [
    Socket,
    Socket,
  ];
  let edges = "";
  pins.on("data", (chunk: Buffer) => {
    edges += chunk.toString("latin1");
  });
  console.resume();
  console.write("o 3\nw 3 1\nw 3 0\n");
  await expect.poll(() => edges).toBe("GPIO 3 1\nGPIO 3 0\n");
  const gdb = await attach(portOf(status, "gdb"));
  pins.write("SET 17 0\n");
  const state = () =>
    lab.agent.client.channels({ instance: "pins" }).request<GpioState>({ method: "GET", path: "gpio" });
  await expect.poll(async () => (await state()).lines.find(({ number }) => number === 17)?.driven).toBe(0);
  console.write("r 17\nw 3 1\n");
  await ask(gdb, "m0,4", "#");
  expect(edges).toBe("GPIO 3 1\nGPIO 3 0\n");
  await ask(gdb, "D;1", "$OK");
  await expect.poll(() => edges).toBe("GPIO 3 1\nGPIO 3 0\nGPIO 3 1\n");
  await lab.said("pins", "uart0", "r 0\n");
  for (const socket of [console, pins, gdb]) socket.destroy();
});
