import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type AgentClient, createAgentClient } from "../../../src/client/agent-client.ts";
import { type BoardSpec, board } from "../../../src/core/schema/board.ts";
import type { AgentEvent } from "../../../src/core/wire/agent-event.ts";
import type { AttemptResult, AttemptSpecInput } from "../../../src/core/wire/attempt.ts";
import type { DesiredStateInput, InstanceStatus } from "../../../src/core/wire/desired-state.ts";
import { parseDocument } from "../../../src/document/parse-document.ts";

const PROJECT = join(import.meta.dirname, "../../..");
export const TOKEN = "a-token-of-the-test";

export async function boardSpecOf(name: string): Promise<BoardSpec> {
  const file = join(PROJECT, "manifests/boards", `${name}.yaml`);
  return parseDocument(await readFile(file, "utf8"), board, { file }).spec;
}

export function exampleImage(boardName: string, app: string): Promise<Buffer> {
  return readFile(join(PROJECT, "examples/images", boardName, `${app}.elf`));
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** An agent as a process of its own, in a folder that goes with it. */
export class AgentLab implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "ag-"));
  readonly address = `unix:${this.folder}/agent.sock`;
  readonly client: AgentClient = createAgentClient({ address: this.address, token: TOKEN });
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  #log = "";

  private constructor(env: Record<string, string>) {
    // As everywhere: root's slots have user ids of their own.
    chmodSync(this.folder, 0o711);
    writeFileSync(join(this.folder, "token"), TOKEN, { mode: 0o600 });
    this.#env = {
      PATH: process.env.PATH ?? "",
      EMUFARM_QEMU_PATH: process.env.EMUFARM_QEMU_PATH ?? "",
      EMUFARM_LISTEN: this.address,
      EMUFARM_TOKEN_FILE: join(this.folder, "token"),
      EMUFARM_RUNTIME_DIR: join(this.folder, "run"),
      EMUFARM_DATA: join(this.folder, "data"),
      EMUFARM_CACHE: join(this.folder, "cache"),
      EMUFARM_SLOTS: "2",
      ...env,
    };
  }

  static async start(env: Record<string, string> = {}): Promise<AgentLab> {
    const lab = new AgentLab(env);
    try {
      await lab.start();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  get child(): ChildProcess {
    if (!this.#child) throw new Error("the agent was not started");
    return this.#child;
  }

  get log(): string {
    return this.#log;
  }

  /** Settles once the agent says that it is up. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [join(PROJECT, "src/agent/main.ts")], {
      env: this.#env,
      stdio: ["pipe", "ignore", "pipe"],
    });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once("exit", (code) => reject(new Error(`the agent ended with ${code}: ${this.#log}`)));
    createInterface({ input: child.stderr }).on("line", (line) => {
      this.#log += `${line}\n`;
      if (line.includes("agent is up")) resolve();
    });
    await promise;
  }

  /** A test that fails must not hold the slots of those after it. */
  async cancelAttempts(): Promise<void> {
    for (const { id, state } of await this.client.attempts()) {
      if (state !== "finished") await this.client.cancelAttempt(id, "the test has ended");
    }
  }

  /** How the agent ended after this signal, or after its standard input was closed. */
  async end(how: NodeJS.Signals | "stdin"): Promise<{ code: number | null; signal: string | null }> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return { code: child.exitCode, signal: child.signalCode };
    const { promise, resolve } = Promise.withResolvers<{ code: number | null; signal: string | null }>();
    child.once("exit", (code, signal) => resolve({ code, signal }));
    if (how === "stdin") child.stdin?.end();
    else child.kill(how);
    return promise;
  }

  /** Stores an example's image on the agent, and makes of it what an attempt needs. */
  async spec(app: string, rest: Partial<AttemptSpecInput> = {}, boardName = "mps2-an385"): Promise<AttemptSpecInput> {
    return this.specOf(await exampleImage(boardName, app), rest, boardName);
  }

  /** The same of any image. */
  async specOf(image: Buffer, rest: Partial<AttemptSpecInput>, boardName: string): Promise<AttemptSpecInput> {
    const sha256 = sha256Of(image);
    await this.client.putFirmware(sha256, image);
    return { tenant: "test", boardName, board: await boardSpecOf(boardName), firmware: { sha256 }, ...rest };
  }

  /** What is wanted of an instance that runs this image, which the agent has by then. */
  async desired(
    uid: string,
    image: Buffer,
    rest: Partial<DesiredStateInput> = {},
    boardName = "mps2-an385",
  ): Promise<DesiredStateInput> {
    const spec = await this.specOf(image, {}, boardName);
    return { ...spec, uid, generation: 1, epoch: 1, power: "On", ...rest };
  }

  /** The status that fits, as the agent's events tell it. */
  async statusWhen(uid: string, fits: (status: InstanceStatus) => boolean): Promise<InstanceStatus> {
    await using log = new EventLog(this.client, READ_DEADLINE_MS);
    const isIt = (status: InstanceStatus) => status.uid === uid && fits(status);
    const hello = await log.until("hello");
    return hello.instances.find(isIt) ?? (await log.until("instance", ({ instance }) => isIt(instance))).instance;
  }

  /** Emulators that run in this agent's slots, whoever their parent is. */
  emulators(): Promise<number[]> {
    return emulatorsUnder(this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.end("SIGTERM");
    // Where a test failed between the kill of its agent and the next start, nobody else would end them.
    for (const pid of await this.emulators()) process.kill(pid, "SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Emulators that run in slots under this folder. */
export async function emulatorsUnder(folder: string): Promise<number[]> {
  const pids: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const environment = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
    if (environment.includes(`EMUFARM_SLOT=${folder}/`)) pids.push(Number(name));
  }
  return pids;
}

/** Follows an agent's events, and waits for them. */
export class EventLog implements AsyncDisposable {
  readonly events: AgentEvent[] = [];
  readonly #controller = new AbortController();
  readonly #done: Promise<void>;
  #changed = Promise.withResolvers<void>();
  #failure: Error | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param deadlineMs how long all that is waited for may take to come; else as long as the test */
  constructor(client: AgentClient, deadlineMs?: number) {
    this.#done = this.#follow(client);
    if (deadlineMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.#failure = new Error(`${deadlineMs} ms passed; last: ${JSON.stringify(this.events.slice(-3))}`);
      this.#wake();
    }, deadlineMs);
  }

  /** The first event that fits, of those that came or come. */
  async until<Type extends AgentEvent["type"]>(
    type: Type,
    fits: (event: Extract<AgentEvent, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<AgentEvent, { type: Type }>> {
    for (;;) {
      const found = this.events.find(
        (event): event is Extract<AgentEvent, { type: Type }> => event.type === type && fits(event as never),
      );
      if (found) return found;
      if (this.#failure) throw this.#failure;
      await this.#changed.promise;
    }
  }

  async resultOf(id: string): Promise<AttemptResult> {
    return (await this.until("attemptFinished", (event) => event.id === id)).result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.#controller.abort(new Error("the test has ended"));
    await this.#done;
  }

  async #follow(client: AgentClient): Promise<void> {
    try {
      for await (const event of client.events(this.#controller.signal)) {
        this.events.push(event);
        this.#wake();
      }
    } catch (error) {
      this.#failure = error as Error;
      this.#wake();
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

const READ_DEADLINE_MS = 90_000;

/** Reads until this text has come so often; one that does not come fails the test with what came instead. */
export async function readUntil(chunks: AsyncIterable<Buffer>, text: string, times = 1): Promise<string> {
  let read = "";
  const often = times === 1 ? "" : ` ${times} times`;
  const complaint = (how: string) => new Error(`${how} without ${JSON.stringify(text)}${often}: ${read.slice(-2000)}`);
  const { promise: deadline, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(complaint(`${READ_DEADLINE_MS} ms passed`)), READ_DEADLINE_MS);
  const reading = (async () => {
    for await (const chunk of chunks) {
      read += chunk.toString("latin1");
      if (read.split(text).length > times) return read;
    }
    throw complaint("the stream ended");
  })();
  try {
    return await Promise.race([reading, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** A shell that waits for commands, for as long as the test likes. */
export const ENDLESS: Pick<AttemptSpecInput, "timeout" | "scenario"> = {
  timeout: "10m",
  scenario: { version: 1, steps: [{ "expect-exit": true }] },
};
