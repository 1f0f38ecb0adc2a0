import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { expect } from "vitest";
import type { InstanceStatus } from "../../../src/core/wire/desired-state.ts";
import { AgentLab, boardSpecOf, exampleImage, readUntil } from "../attempt/agent-lab.ts";

const TOOLS = join(import.meta.dirname, "tools");

/** How a program ended, and what it said. */
export interface ToolEnd {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a tool to its end; `input` is all that it gets to read. Both of its outputs are kept. */
export async function runTool(program: string, args: readonly string[], input = ""): Promise<ToolEnd> {
  const child = spawn(program, args, { cwd: TOOLS, stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString("latin1");
    });
  }
  child.stdin.end(input, "latin1");
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject);
  child.once("close", resolve);
  return { code: await promise, output };
}

/** A tool that somebody uses. Both of its outputs are kept. */
export class ToolInUse implements AsyncDisposable {
  /** Settles with its exit code. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcessWithoutNullStreams;
  #output = "";
  /** Where in the output to look on. */
  #position = 0;

  constructor(program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { cwd: TOOLS, stdio: ["pipe", "pipe", "pipe"] });
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    this.#child.once("error", reject);
    this.#child.once("close", resolve);
    this.ended = promise;
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        this.#output += chunk.toString("latin1");
      });
    }
  }

  get output(): string {
    return this.#output;
  }

  type(text: string): void {
    this.#child.stdin.write(text, "latin1");
  }

  /** Settles once it has said this after what was waited for before. */
  async says(text: string): Promise<void> {
    await expect.poll(() => this.#output.slice(this.#position)).toContain(text);
    this.#position = this.#output.indexOf(text, this.#position) + text.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}

/** Runs a script of `tools/` with the Python that has the tools of the tests. */
export async function runPython(script: string, ...args: string[]): Promise<ToolEnd> {
  return await runTool(process.env.EMUFARM_TEST_PYTHON ?? "", [join(TOOLS, script), ...args]);
}

/** An instance with a shell on its UART and raw ports, on an agent of its own. */
export class SerialLab implements AsyncDisposable {
  readonly lab: AgentLab;
  readonly uid: string;
  readonly #ports: ReadonlyMap<string, number>;

  private constructor(lab: AgentLab, { uid, endpoints }: InstanceStatus) {
    this.lab = lab;
    this.uid = uid;
    this.#ports = new Map(endpoints.map(({ name, port }) => [name, port]));
  }

  static async start(boardName = "mps2-an385"): Promise<SerialLab> {
    await using opening = new AsyncDisposableStack();
    const lab = opening.use(await AgentLab.start());
    const { console, status } = await startShell(lab, "shell", boardName);
    const serial = new SerialLab(lab, status);
    await readUntil(lab.client.log({ instance: "shell" }, console, { isFollowed: true }), "> ");
    opening.move();
    return serial;
  }

  port(channel: string): number {
    const port = this.#ports.get(channel);
    expect(port, `port of ${channel}`).toBeDefined();
    return port as number;
  }

  /** What the UART has said until now. */
  async log(uart = "uart0"): Promise<string> {
    let text = "";
    for await (const chunk of this.lab.client.log({ instance: this.uid }, uart)) text += chunk.toString("latin1");
    return text;
  }

  /** Settles once the UART has said this, from its first byte on. */
  async says(text: string, uart = "uart0"): Promise<void> {
    await readUntil(this.lab.client.log({ instance: this.uid }, uart, { isFollowed: true }), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}

interface ShellWish {
  readonly generation?: number;
  readonly resetCount?: number;
  /** The same under another digest. */
  readonly isOtherFirmware?: boolean;
  /** Something else than the shell. */
  readonly firmware?: Buffer;
}

/** An instance that runs the shell of the examples, with every port of its console. */
export async function startShell(
  lab: AgentLab,
  uid: string,
  boardName: string,
  { generation = 1, resetCount = 0, isOtherFirmware = false, firmware }: ShellWish = {},
): Promise<{ readonly console: string; readonly status: InstanceStatus }> {
  const shell = firmware ?? (await exampleImage(boardName, "shell"));
  const image = isOtherFirmware ? Buffer.concat([shell, Buffer.of(0)]) : shell;
  const { uarts } = await boardSpecOf(boardName);
  const console = uarts[0]?.name ?? "";
  const channels = [console, `${console}-rfc2217`].map((name) => ({ name, tcp: true }));
  await lab.client.putDesired(await lab.desired(uid, image, { generation, resetCount, channels }, boardName));
  const isIt = (one: InstanceStatus) =>
    one.generation === generation && one.phase === "Running" && one.endpoints.length > 0;
  return { console, status: await lab.statusWhen(uid, isIt) };
}
