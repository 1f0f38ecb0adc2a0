import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import type { GuestChannels } from "../../../src/client/guest-channels.ts";
import type { FrontEndEvent } from "../../../src/core/wire/front-end.ts";
import type { GpioMessage, GpioRequestInput, GpioState } from "../../../src/core/wire/gpio.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { AgentLab, readUntil } from "../attempt/agent-lab.ts";

const BOARD = "microbit";
const UID = "pins";

let lab: AgentLab;
let pins: Buffer;
let instance: GuestChannels;
let port: number;

/** A board that does with its pins what it is told over its UART (test/firmware/pins.c). */
beforeAll(async () => {
  lab = await AgentLab.start();
  pins = await readFile(join(await buildFirmware(), BOARD, "pins.elf"));
  const channels = [{ name: "gpio", tcp: true }];
  await lab.client.putDesired(await lab.desired(UID, pins, { channels }, BOARD));
  const status = await lab.statusWhen(UID, ({ isReady }) => isReady);
  port = status.endpoints.find(({ name }) => name === "gpio")?.port ?? 0;
  instance = lab.client.channels({ instance: UID });
  await readUntil(lab.client.log({ instance: UID }, "uart0", { isFollowed: true }), "pins\n");
});

afterAll(() => lab[Symbol.asyncDispose]());

/** JSON messages of a WebSocket, as they come. */
class Messages<Message extends { readonly type: string }> implements Disposable {
  readonly all: Message[] = [];
  readonly socket: WebSocket;

  private constructor(socket: WebSocket, all: Message[]) {
    this.socket = socket;
    this.all = all;
  }

  static async open<Message extends { readonly type: string }>(path: string): Promise<Messages<Message>> {
    const all: Message[] = [];
    const socket = await instance.openWebSocket(path, (data) => all.push(JSON.parse(data.toString()) as Message));
    return new Messages(socket, all);
  }

  send(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Messages of one type. */
  of<Type extends Message["type"]>(type: Type): Extract<Message, { type: Type }>[] {
    return this.all.filter((one): one is Extract<Message, { type: Type }> => one.type === type);
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

const state = () => instance.request<GpioState>({ method: "GET", path: "gpio" });
const ask = (body: GpioRequestInput) => instance.request({ method: "POST", path: "gpio", body });
const lineOf = async (name: string) => (await state()).lines.find(({ line }) => line === name);

/** Gives the guest a command on its UART. */
async function tell(command: string): Promise<void> {
  const socket = await instance.openWebSocket("uarts/uart0", () => {});
  // In peace: an abrupt end would take with it what the agent has not read yet.
  socket.send(Buffer.from(`${command}\n`), () => socket.close());
  await once(socket, "close");
}

describe("pins of an instance", () => {
  it("are told as they stand, and driven, by HTTP", async () => {
    const told = await state();
    expect(told).toMatchObject({ boot: 1, isConnected: true, abilities: { observes: "edges", drives: true } });
    expect(told.lines).toHaveLength(32);
    expect(await lineOf("BUTTON_A")).toMatchObject({ number: 17, name: "P0.17", driven: 1, isInput: true });
    await ask({ type: "set", line: "button_a", level: 0 });
    expect(await lineOf("BUTTON_A")).toMatchObject({ level: 0, driven: 0 });
    await ask({ type: "pulse", line: 17, level: 1, duration: "1ms" });
    await expect.poll(() => lineOf("BUTTON_A")).toMatchObject({ driven: 0 });
  });

  it.each([
    [{ type: "set", line: "BUTTON_X", level: 1 }, "UnknownPin"],
    [{ type: "set", line: 99, level: 1 }, "UnknownPin"],
    [{ type: "set", line: 1, level: 2 }, "InvalidRequest"],
    [{ type: "hold", line: 1 }, "InvalidRequest"],
  ])("refuse %j as %s", async (body, code) => {
    await expect(instance.request({ method: "POST", path: "gpio", body })).rejects.toMatchObject({ code });
  });

  it("blink on the raw port, and press a button there", async () => {
    const client = connect(port, "127.0.0.1").setEncoding("latin1");
    let seen = "";
    client.on("data", (text) => (seen += text));
    await once(client, "connect");
    await tell("o 13");
    await tell("t 13 4");
    await expect.poll(() => seen).toContain("GPIO 13 1\nGPIO 13 0\nGPIO 13 1\nGPIO 13 0\n");
    client.write("SET 26 0\nSET 26 1\nhello\nSET 26 0\n");
    await expect.poll(() => lineOf("BUTTON_B")).toMatchObject({ level: 0, driven: 0 });
    client.destroy();
  });

  it("are told over a WebSocket one by one, merged where that is asked for, and driven there", async () => {
    using each = await Messages.open<GpioMessage>("gpio");
    using merged = await Messages.open<GpioMessage>("gpio?coalesce=20ms");
    await expect.poll(() => [each.all[0]?.type, merged.all[0]?.type]).toEqual(["state", "state"]);
    await tell("o 14");
    const startedMs = performance.now();
    await tell("t 14 1000");
    const edges = () => each.of("edges").flatMap((message) => message.edges);
    await expect.poll(() => edges().filter(({ line }) => line === "ROW2").length).toBe(1_000);
    const counted = () =>
      merged
        .of("merged")
        .flatMap(({ lines }) => lines)
        .filter(({ line }) => line === "ROW2")
        .reduce((sum, { edges: count }) => sum + count, 0);
    await expect.poll(counted).toBe(1_000);
    expect(merged.of("merged").length).toBeLessThan(10 + (performance.now() - startedMs) / 20);
    const levels = edges().filter(({ line }) => line === "ROW2");
    expect(levels.every(({ level }, index) => level === (index + 1) % 2)).toBe(true);
    expect(levels.every(({ timeNs }, index) => timeNs >= (levels[index - 1]?.timeNs ?? 0))).toBe(true);
    each.send({ type: "set", line: "BUTTON_A", level: 1 });
    await expect.poll(edges).toContainEqual(expect.objectContaining({ line: "BUTTON_A", level: 1, by: "outside" }));
    each.send("nothing");
    each.send({ type: "set", line: "NOWHERE", level: 1 });
    await expect.poll(() => each.of("error").map(({ code }) => code)).toEqual(["InvalidRequest", "UnknownPin"]);
  });
});

describe("a front end of a simulator", () => {
  const text = (messages: Messages<FrontEndEvent>) =>
    messages
      .of("serial_output")
      .map(({ data }) => data.data)
      .join("");
  const systems = (messages: Messages<FrontEndEvent>) => messages.of("system").map(({ data }) => data.event);

  it("sees output, pins and boots of a board, and works it", async () => {
    using front = await Messages.open<FrontEndEvent>("events");
    await expect.poll(() => systems(front)).toEqual(["booted"]);
    front.send({ type: "stop_instance" });
    front.send({ type: "stop_instance", data: {} });
    await expect.poll(() => systems(front)).toEqual(["booted", "exited"]);
    front.send({ type: "start_instance", data: { board: BOARD } });
    front.send({ type: "start_instance" });
    await expect.poll(() => systems(front)).toEqual(["booted", "exited", "booting", "booted"]);
    await expect.poll(() => text(front)).toMatch(/pins\n$/);
    front.send({ type: "set_pin_state", data: { pin: "BUTTON_A", state: 0 } });
    front.send({ type: "set_pin_state", data: { pin: 26, state: true } });
    front.send({ type: "send_serial_bytes", data: { bytes: [...Buffer.from("r 17\n")] } });
    await expect.poll(() => text(front)).toMatch(/r 0\n$/);
    front.send({ type: "send_serial_bytes", bytes: Buffer.from("r 26\no 15\nw 15 1\n").toString("base64") });
    await expect.poll(() => text(front)).toMatch(/r 1\no 1\nw 1\n$/);
    await expect.poll(() => front.of("gpio_change").map(({ data }) => data)).toContainEqual({ pin: 15, state: 1 });
    expect(front.of("error")).toEqual([]);
  });

  it("loads other firmware into the board, which the next boot runs", async () => {
    using front = await Messages.open<FrontEndEvent>("events");
    const shell = await readFile(join(import.meta.dirname, "../../../examples/images", BOARD, "shell.elf"));
    front.send({ type: "load_firmware", data: { firmware: shell.toString("base64") } });
    await expect.poll(() => text(front)).toMatch(/emufarm shell on microbit\n> $/);
    front.send({ type: "start_instance", data: { firmware_b64: pins.toString("base64") } });
    await expect.poll(() => text(front)).toMatch(/pins\n$/);
    const boots = systems(front).length;
    front.send({ type: "start_instance", data: { firmware_b64: pins.toString("base64") } });
    front.send({ type: "set_pin_state", data: { pin: 99, state: 1 } });
    await expect.poll(() => front.of("error")).toHaveLength(1);
    expect(systems(front)).toHaveLength(boots);
    const foreign = await readFile(join(import.meta.dirname, "../../../examples/images/sifive-e/hello.elf"));
    front.send({ type: "load_firmware", data: { firmware: foreign.toString("base64") } });
    await expect.poll(() => front.of("error").at(-1)?.data.message).toContain("is built for");
    expect(systems(front)).toHaveLength(boots);
  });

  it.each([
    ["garbage", "the message is not JSON"],
    ["[]", "type: "],
    ['{"type":"launch"}', "type: "],
    ['{"type":"set_pin_state","data":{"pin":1}}', "state: "],
    ['{"type":"load_firmware","data":{"firmware":"%"}}', "firmware: "],
    ['{"type":"load_firmware"}', "load_firmware has no firmware"],
    ['{"type":"start_instance","data":{"board":"esp32"}}', "Starting a esp32 conflicts with what is there"],
    ['{"type":"send_serial_bytes","data":{"bytes":[1],"uart":9}}', "There is no UART 9"],
  ])("is told what is wrong with %j", async (message, words) => {
    using front = await Messages.open<FrontEndEvent>("events");
    front.send(message);
    await expect
      .poll(() => front.of("error").map(({ data }) => data.message))
      .toEqual([expect.stringContaining(words)]);
  });
});

/** Last: it is gone afterwards. */
it("everybody is let go with a reason when the instance is deleted", async () => {
  using pinsSocket = await Messages.open<GpioMessage>("gpio");
  using front = await Messages.open<FrontEndEvent>("events");
  let said = "";
  const raw = connect(port, "127.0.0.1").setEncoding("latin1");
  raw.on("data", (text) => (said += text));
  await once(raw, "connect");
  await expect.poll(() => [pinsSocket.all.length, front.all.length].every((count) => count > 0)).toBe(true);
  const closed = [pinsSocket, front].map(async ({ socket }) => {
    const [code, reason] = (await once(socket, "close")) as [number, Buffer];
    return { code, reason: reason.toString() };
  });
  const ended = once(raw, "close");
  await lab.client.deleteInstance(UID);
  expect(await Promise.all(closed)).toEqual([
    { code: 1000, reason: "the instance was deleted" },
    { code: 1000, reason: "the instance was deleted" },
  ]);
  await ended;
  expect(said).toMatch(/^ERROR the instance was deleted\n$/m);
});
