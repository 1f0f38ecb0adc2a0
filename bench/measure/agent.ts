import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type AgentClient, createAgentClient } from "../../src/client/agent-client.ts";
import type { BoardSpec } from "../../src/core/schema/board.ts";
import type { AttemptResult, AttemptSpecInput } from "../../src/core/wire/attempt.ts";
import { readBoards } from "../../test/boards/manifests.ts";
import { BENCH_BOARD } from "./bare-qemu.ts";

const PROGRAM = resolve(import.meta.dirname, "../../dist/agent/main.js");
const TOKEN = "benchmark";

/** A board of the repository. */
export function boardOf(name: string): BoardSpec {
  return readBoards().find((one) => one.metadata.name === name)?.spec as BoardSpec;
}

/** An agent of its own for a benchmark, without a farm around it. */
export interface BenchAgent extends AsyncDisposable {
  readonly pid: number;
  readonly client: AgentClient;
  /** Runs an attempt to its end. */
  runAttempt(image: string, options?: Partial<AttemptSpecInput>): Promise<AttemptResult>;
  /** Starts an instance; of the benchmarks' board, where no other is named. */
  startInstance(image: string, options?: InstanceOptions): Promise<BenchInstance>;
  /** Starts an instance with a raw TCP port for its console, and connects to it. */
  openConsole(image: string): Promise<Socket>;
  /** Stores an image, as `change` of an instance wants it. */
  push(image: Uint8Array): Promise<string>;
}

export interface InstanceOptions {
  readonly boardName?: string;
  /** Those that have a raw TCP port. */
  readonly channels?: readonly string[];
  readonly isPaused?: boolean;
}

/** An instance of a benchmark. */
export interface BenchInstance {
  readonly uid: string;
  /** The raw port of a channel, on the loopback; settles once it is open. */
  portOf(channel: string): Promise<number>;
  /** Connects to the raw port of a channel. */
  connect(channel: string): Promise<Socket>;
  /** What is wanted from now on. */
  change(wish: { readonly isPaused?: boolean; readonly firmware?: { readonly sha256: string } }): Promise<void>;
}

/** @param emulators folder of the emulators; default: those in PATH */
export async function startBenchAgent(slots: number, emulators?: string): Promise<BenchAgent> {
  const folder = await mkdtemp(join(tmpdir(), "emufarm-bench-"));
  await chmod(folder, 0o711);
  const tokenFile = join(folder, "token");
  await writeFile(tokenFile, TOKEN, { mode: 0o600 });
  const address = `unix:${join(folder, "agent.sock")}`;
  const env = {
    ...process.env,
    EMUFARM_LISTEN: address,
    EMUFARM_TOKEN_FILE: tokenFile,
    EMUFARM_RUNTIME_DIR: join(folder, "run"),
    EMUFARM_DATA: join(folder, "data"),
    EMUFARM_CACHE: join(folder, "cache"),
    EMUFARM_SLOTS: String(slots),
    ...(emulators !== undefined && { EMUFARM_QEMU_PATH: emulators }),
  };
  const child = spawn(process.execPath, [PROGRAM], { env, stdio: ["pipe", "ignore", "pipe"] });
  await saysReady(child);
  const client = createAgentClient({ address, token: TOKEN });

  async function startInstance(image: string, options: InstanceOptions = {}): Promise<BenchInstance> {
    const { boardName = BENCH_BOARD, channels = [], isPaused = false } = options;
    const uid = randomUUID();
    let desired = {
      ...{ uid, tenant: "bench", epoch: 1, generation: 1, boardName, board: boardOf(boardName), isPaused },
      power: "On" as const,
      firmware: { sha256: await push(client, await readFile(image)) },
      channels: channels.map((name) => ({ name, tcp: true })),
    };
    await client.putDesired(desired);
    const portOf = (channel: string) => rawPortOf(client, uid, channel);
    return {
      uid,
      portOf,
      async connect(channel) {
        const socket = connect({ host: "127.0.0.1", port: await portOf(channel), noDelay: true });
        await once(socket, "connect");
        return socket;
      },
      async change(wish) {
        desired = { ...desired, ...wish, generation: desired.generation + 1 };
        await client.putDesired(desired);
      },
    };
  }

  return {
    pid: child.pid as number,
    client,
    async runAttempt(image, options = {}) {
      const firmware = { sha256: await push(client, await readFile(image)) };
      const id = `b${randomUUID()}.1`;
      const board = boardOf(BENCH_BOARD);
      await client.putAttempt(id, { tenant: "bench", boardName: BENCH_BOARD, board, firmware, ...options });
      for await (const event of client.events()) {
        if (event.type === "attemptFinished" && event.id === id) return event.result;
        const known = event.type === "hello" ? event.attempts.find((one) => one.id === id)?.result : undefined;
        if (known) return known;
      }
      throw new Error("the agent ended its events");
    },
    startInstance,
    async openConsole(image) {
      const instance = await startInstance(image, { channels: ["uart0"] });
      return await instance.connect("uart0");
    },
    push: (image) => push(client, image),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

async function saysReady(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let said = "";
  // Read to its end, so that a full pipe never holds the agent up.
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_096);
    if (said.includes("agent is up")) resolve();
  });
  child.once("exit", () => reject(new Error(`the agent ended: ${said}`)));
  await promise;
}

/** An instance opens its ports once it is started. */
async function rawPortOf(client: AgentClient, uid: string, channel: string): Promise<number> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    const instance = (await client.instances()).find((one) => one.uid === uid);
    const port = instance?.endpoints.find(({ name }) => name === channel)?.port;
    if (port !== undefined) return port;
    await wait(5);
  }
  throw new Error(`the instance opened no port for ${channel}`);
}

async function push(client: AgentClient, bytes: Uint8Array): Promise<string> {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await client.putFirmware(sha256, bytes);
  return sha256;
}
