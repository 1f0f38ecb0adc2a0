import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { Agent, fetch } from "undici";
import { expect } from "vitest";
import type { GuestChannels } from "../../../src/client/guest-channels.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { AgentLab, readUntil } from "../attempt/agent-lab.ts";

const NEIGHBOURS = 7;
const VICTIM = "victim";
/** It has pins besides what every board has. */
export const VICTIM_BOARD = "microbit";
/** Every channel that it can have a raw port for. */
export const CHANNELS = ["uart0", "uart0-rfc2217", "semihosting", "gpio", "qmp", "monitor", "gdb"] as const;
export type Channel = (typeof CHANNELS)[number];

/** A connection to a raw port, with what it has said. */
export class Raw implements Disposable {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  text = "";

  private constructor(socket: Socket) {
    this.socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    // Whatever breaks it ends with that.
    socket.on("error", () => {}).once("close", () => resolve());
    socket.on("data", (chunk: Buffer) => {
      this.text += chunk.toString("latin1");
    });
  }

  static async open(port: number): Promise<Raw> {
    const raw = new Raw(connect({ port, host: "127.0.0.1" }));
    await once(raw.socket, "connect");
    return raw;
  }

  /** Settles once it has said this. */
  async says(text: string): Promise<void> {
    await expect.poll(() => this.text).toContain(text);
  }

  /** Settles once all has gone out, or the other side has had enough. */
  async write(bytes: string | Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.socket.write(bytes, () => resolve());
    await Promise.race([promise, this.closed]);
  }

  /** Gone without a word. */
  [Symbol.dispose](): void {
    this.socket.resetAndDestroy();
  }
}

/** An agent with eight boards: seven that echo, and one that is ill-treated. */
export class FaultLab implements AsyncDisposable {
  readonly agent: AgentLab;
  readonly victim: GuestChannels;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #neighbours: readonly Raw[];
  readonly #emulators: readonly number[];

  private constructor(agent: AgentLab, neighbours: readonly Raw[], ports: ReadonlyMap<string, number>, pids: number[]) {
    this.agent = agent;
    this.victim = agent.client.channels({ instance: VICTIM });
    this.#neighbours = neighbours;
    this.#ports = ports;
    this.#emulators = pids;
  }

  static async start(): Promise<FaultLab> {
    await using opening = new AsyncDisposableStack();
    const agent = opening.use(await AgentLab.start({ EMUFARM_SLOTS: String(NEIGHBOURS + 1) }));
    const folder = await buildFirmware();
    const echo = await readFile(join(folder, "mps2-an385", "echo.elf"));
    const neighbours: Raw[] = [];
    for (let index = 0; index < NEIGHBOURS; index += 1) {
      const uid = `neighbour-${index}`;
      await agent.client.putDesired(await agent.desired(uid, echo, { channels: [{ name: "uart0", tcp: true }] }));
      const { endpoints } = await agent.statusWhen(uid, ({ isReady }) => isReady);
      const raw = await Raw.open(endpoints[0]?.port ?? 0);
      await readUntil(agent.client.log({ instance: uid }, "uart0", { isFollowed: true }), "ready\n");
      neighbours.push(raw);
    }
    const pids = await agent.emulators();
    const pins = await readFile(join(folder, VICTIM_BOARD, "pins.elf"));
    const channels = CHANNELS.map((name) => ({ name, tcp: true }));
    await agent.client.putDesired(await agent.desired(VICTIM, pins, { channels }, VICTIM_BOARD));
    const { endpoints } = await agent.statusWhen(VICTIM, ({ uid, isReady }) => uid === VICTIM && isReady);
    await readUntil(agent.client.log({ instance: VICTIM }, "uart0", { isFollowed: true }), "pins\n");
    opening.move();
    return new FaultLab(agent, neighbours, new Map(endpoints.map(({ name, port }) => [name, port])), pids);
  }

  /** A connection to a raw port of the ill-treated board. */
  async open(channel: Channel): Promise<Raw> {
    return await Raw.open(this.#ports.get(channel) ?? 0);
  }

  /** Gives its guest a command, by a console; settles with the number that it answers. */
  async ask(command: string): Promise<number> {
    let said = "";
    const console = await this.victim.openWebSocket("uarts/uart0?replay=false", (data, isText) => {
      if (!isText) said += data.toString();
    });
    const answer = new RegExp(`^${command[0]} (\\d+)\n`, "m");
    console.send(JSON.stringify({ type: "takePen" }));
    // What somebody has left half-written ends there.
    console.send(Buffer.from(`\n${command}\n`));
    await expect.poll(() => said, { timeout: 60_000 }).toMatch(answer);
    const closed = once(console, "close");
    console.close();
    await closed;
    return Number(answer.exec(said)?.[1]);
  }

  /** Its neighbours still echo, in the emulators that they had. */
  async expectNeighboursUnharmed(words: string): Promise<void> {
    await Promise.all(
      this.#neighbours.map(async (neighbour) => {
        neighbour.socket.write(`${words}\n`);
        await neighbour.says(`${words}\n`);
      }),
    );
    const now = await this.agent.emulators();
    expect(this.#emulators.filter((pid) => !now.includes(pid))).toEqual([]);
  }

  /** Memory that the agent has. */
  async residentMiB(): Promise<number> {
    const [, pages = ""] = (await readFile(`/proc/${this.agent.child.pid}/statm`, "utf8")).split(" ");
    return (Number(pages) * 4) / 1024;
  }

  async metric(name: string): Promise<number> {
    const dispatcher = new Agent({ connect: { socketPath: this.agent.address.slice("unix:".length) } });
    const text = await (await fetch("http://agent/metrics", { dispatcher })).text();
    await dispatcher.close();
    return Number(new RegExp(`^${name} (\\d+)`, "m").exec(text)?.[1] ?? 0);
  }

  async deleteVictim(): Promise<void> {
    await this.agent.client.deleteInstance(VICTIM);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.#neighbours) socket.destroy();
    await this.agent[Symbol.asyncDispose]();
  }
}
