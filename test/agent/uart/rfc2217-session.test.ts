import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RawPort } from "../../../src/agent/channel/raw-port.ts";
import { boardLines } from "../../../src/agent/uart/board-lines.ts";
import { serveRfc2217 } from "../../../src/agent/uart/rfc2217-session.ts";
import { UartHub } from "../../../src/agent/uart/uart-hub.ts";
import type { UartSpec } from "../../../src/core/schema/board.ts";
import {
  CONTROL,
  type ComPortMessage,
  encodeComPort,
  MODEM,
  PURGE,
  parseComPort,
} from "../../../src/core/serial/com-port.ts";
import { encodeNegotiation, encodeSubnegotiation, OPTION } from "../../../src/core/serial/telnet.ts";
import { TelnetDecoder } from "../../../src/core/serial/telnet-decoder.ts";
import { socketPair, temporaryFolder } from "./socket-pair.ts";

const BOARD_ON = MODEM.cts | MODEM.dsr | MODEM.carrier;

const UNWIRED = { rts: "none", dtr: "none", break: "guest" } as const;

async function setup(wiring: UartSpec["controlLines"] | object = { rts: "reset" }) {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await temporaryFolder());
  const hub = opening.use(new UartHub({ name: "uart0", logPath: join(folder.path, "log") }));
  const acts: string[] = [];
  const guest = { reset: async () => void acts.push("reset"), sendBreak: async () => void acts.push("break") };
  const lines = boardLines(guest, { name: "uart0", index: 0, controlLines: { ...UNWIRED, ...wiring } });
  const port = opening.use(
    await RawPort.listen({
      serve: (socket) => serveRfc2217({ socket, hub, lines }),
      host: "127.0.0.1",
      port: 0,
    }),
  );
  const { hubEnd, guestEnd } = await socketPair(folder.path);
  opening.defer(() => void guestEnd.destroy());
  const unplug = hub.attach(hubEnd, 1, () => {});
  const open = opening.move();
  return { hub, port, guestEnd, acts, unplug, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** A client of RFC 2217 that has agreed with the server. */
class Client {
  readonly socket: Socket;
  readonly heard: ComPortMessage[] = [];
  text = "";

  constructor(port: number) {
    const decoder = new TelnetDecoder({
      onData: (bytes) => {
        this.text += Buffer.from(bytes).toString("latin1");
      },
      onNegotiation: () => {},
      onSubnegotiation: (_, bytes) => {
        const message = parseComPort(bytes, "server");
        if (message) this.heard.push(message);
      },
      onCommand: () => {},
      onMalformed: () => {},
    });
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk) => decoder.decode(chunk));
    this.socket.write(encodeNegotiation("WILL", OPTION.comPort));
    this.socket.write(encodeNegotiation("WILL", OPTION.binary));
  }

  ask(message: ComPortMessage): void {
    this.socket.write(encodeSubnegotiation(OPTION.comPort, encodeComPort(message, "client")));
  }

  async asked(message: ComPortMessage): Promise<void> {
    this.heard.length = 0;
    this.ask(message);
    await expect.poll(() => this.heard.some(({ type }) => type === message.type)).toBe(true);
  }

  async control(...values: number[]): Promise<void> {
    for (const value of values) await this.asked({ type: "control", value });
  }
}

describe("A UART by RFC 2217", () => {
  test("carries every byte both ways, and tells by the modem's lines whether the board is on", async () => {
    await using rig = await setup();
    const client = new Client(rig.port.port);
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await expect.poll(() => client.heard).toContainEqual({ type: "modemState", value: BOARD_ON });
    const typed: Buffer[] = [];
    rig.guestEnd.on("data", (chunk: Buffer) => typed.push(chunk));
    client.socket.write(Buffer.from(all.toString("latin1").replaceAll("\xff", "\xff\xff"), "latin1"));
    await expect.poll(() => Buffer.concat(typed)).toEqual(all);
    rig.guestEnd.write(all);
    await expect.poll(() => client.text).toBe(all.toString("latin1"));
    client.heard.length = 0;
    rig.unplug();
    await expect.poll(() => client.heard).toEqual([{ type: "modemState", value: 0x0b }]);
    client.socket.destroy();
  });

  test("shows nothing before the client has spoken, and what was said before right after", async () => {
    await using rig = await setup();
    rig.guestEnd.write("before");
    await expect.poll(() => rig.hub.totalBytes).toBe(6);
    const client = new Client(rig.port.port);
    await expect.poll(() => client.text).toBe("before");
    client.socket.destroy();
    const silent = connect(rig.port.port, "127.0.0.1");
    const [first] = (await once(silent, "data")) as [Buffer];
    expect(first.toString("latin1")).not.toContain("before");
    const [second] = (await once(silent, "data")) as [Buffer];
    expect(second.toString("latin1")).toBe("before");
    silent.destroy();
  });

  test("heeds the lines of the one who writes; those of others are answered", async () => {
    await using rig = await setup({ rts: "reset", break: "reset" });
    const [writer, other] = [new Client(rig.port.port), new Client(rig.port.port)];
    writer.socket.write("mine");
    await once(rig.guestEnd, "data");
    await other.control(CONTROL.rtsOn, CONTROL.rtsOff, CONTROL.breakOn);
    expect(rig.acts).toEqual([]);
    await writer.control(CONTROL.rtsOn, CONTROL.rtsOff, CONTROL.breakOn, CONTROL.breakOff);
    expect(rig.acts).toEqual(["reset", "reset"]);
    // A writer that dies leaves the pen to the next one.
    writer.socket.destroy();
    await expect.poll(() => rig.hub.viewerCount).toBe(1);
    await other.control(CONTROL.rtsOn, CONTROL.rtsOff);
    expect(rig.acts).toHaveLength(3);
    other.socket.destroy();
  });

  test("tells a second writer, and leaves the board that is off to lose what it is sent", async () => {
    await using rig = await setup();
    const [writer, other] = [new Client(rig.port.port), new Client(rig.port.port)];
    writer.socket.write("mine");
    await once(rig.guestEnd, "data");
    other.socket.write("lost");
    const words = "\r\n[emufarm: what you send is not taken: somebody else writes]\r\n";
    await expect.poll(() => other.text).toBe(words);
    rig.unplug();
    writer.socket.write("lost");
    await writer.control(CONTROL.askDtr);
    expect([writer.text, other.text]).toEqual(["", words]);
    for (const client of [writer, other]) client.socket.destroy();
  });

  test("lets a board go that a client held in reset when it vanished", async () => {
    await using rig = await setup();
    const client = new Client(rig.port.port);
    await client.control(CONTROL.rtsOn);
    expect(rig.acts).toEqual([]);
    client.socket.resetAndDestroy();
    await expect.poll(() => rig.acts).toEqual(["reset"]);
  });

  test("keeps back what a client does not want now, and forgets what it purges", async () => {
    await using rig = await setup();
    const client = new Client(rig.port.port);
    await client.control(CONTROL.askDtr);
    client.ask({ type: "suspend" });
    await client.control(CONTROL.askDtr);
    rig.guestEnd.write("unseen ");
    await expect.poll(() => rig.hub.totalBytes).toBe(7);
    await client.asked({ type: "purge", value: PURGE.toClient });
    rig.guestEnd.write("seen");
    await expect.poll(() => rig.hub.totalBytes).toBe(11);
    expect(client.text).toBe("");
    client.ask({ type: "resume" });
    await expect.poll(() => client.text).toBe("seen");
    client.socket.destroy();
  });

  test.each([
    ["a command", [255]],
    ["a negotiation", [255, 253]],
    ["an option", [255, 250, 44]],
    ["a speed", [255, 250, 44, 1, 0, 1]],
    ["the end of an option", [255, 250, 44, 5, 8, 255]],
  ])("bears a client that vanishes within %s", async (_, bytes) => {
    await using rig = await setup();
    const gone = new Client(rig.port.port);
    await gone.control(CONTROL.askDtr);
    gone.socket.write(Uint8Array.from(bytes), () => gone.socket.resetAndDestroy());
    await expect.poll(() => rig.hub.viewerCount).toBe(0);
    const next = new Client(rig.port.port);
    await next.asked({ type: "baudRate", value: 9_600 });
    expect(next.heard).toContainEqual({ type: "baudRate", value: 9_600 });
    next.socket.destroy();
  });

  test("lets go who floods it with options and reads no answer; others go on", { timeout: 120_000 }, async () => {
    await using rig = await setup();
    const good = new Client(rig.port.port);
    await good.control(CONTROL.askDtr);
    const flooder = connect(rig.port.port, "127.0.0.1");
    flooder.on("error", () => {});
    flooder.pause();
    const flood = Buffer.concat(
      Array.from({ length: 20_000 }, (_, at) => Buffer.from([255, 251, 100 + (at % 100), 255, 240])),
    );
    const closed = new Promise((resolve) => flooder.once("close", resolve));
    const pour = () => {
      while (!flooder.destroyed && flooder.write(flood));
    };
    flooder.on("drain", pour);
    pour();
    await closed;
    await good.control(CONTROL.dtrOn);
    rig.guestEnd.write("still here");
    await expect.poll(() => good.text).toBe("still here");
    good.socket.destroy();
  });

  test("tells why it ends", async () => {
    await using rig = await setup();
    const client = new Client(rig.port.port);
    await client.control(CONTROL.askDtr);
    const closed = once(client.socket, "close");
    rig.hub.end("the instance was deleted");
    await closed;
    expect(client.text).toContain("[emufarm: the instance was deleted]");
  });
});
