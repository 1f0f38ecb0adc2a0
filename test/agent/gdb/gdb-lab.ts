import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DesiredStateInput, InstanceStatus } from "../../../src/core/wire/desired-state.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { AgentLab, boardSpecOf, readUntil } from "../attempt/agent-lab.ts";

/** A debugger that hangs fails its test with what it said. */
const GDB_DEADLINE_MS = 60_000;

export async function debuggedImage(board: string): Promise<string> {
  return join(await buildFirmware(), board, "debugged.elf");
}

/** What gdb says to these commands, in order. Debian's gdb-multiarch is for all architectures but AVR. */
export async function runGdb(
  elf: string,
  target: string,
  commands: readonly string[],
  program = "gdb-multiarch",
  beforeConnecting: readonly string[] = [],
): Promise<string> {
  const plain = ["set confirm off", "set pagination off", "set style enabled off"];
  const setup = [...plain, ...beforeConnecting, `target remote ${target}`];
  const args = ["-nx", "-batch", ...[...setup, ...commands].flatMap((command) => ["-ex", command]), elf];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const hear = (chunk: Buffer) => {
    said += chunk.toString();
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    reject(new Error(`gdb did not end; it said ${said}`));
  }, GDB_DEADLINE_MS);
  child.once("error", reject);
  child.once("close", () => resolve(said));
  return await promise.finally(() => clearTimeout(timer));
}

/** Instances of an agent that debuggers come to. */
export class GdbLab implements AsyncDisposable {
  readonly agent: AgentLab;
  #generation = 0;

  private constructor(agent: AgentLab) {
    this.agent = agent;
  }

  static async start(env: Record<string, string> = {}): Promise<GdbLab> {
    return new GdbLab(await AgentLab.start({ EMUFARM_SLOTS: "12", ...env }));
  }

  /** An instance of a board that runs, or stands at its first instruction, or whatever is waited for. */
  async instance(
    uid: string,
    boardName: string,
    desired: Partial<DesiredStateInput> = {},
    awaited: InstanceStatus["phase"] = desired.isPaused ? "Paused" : "Running",
  ): Promise<InstanceStatus> {
    const image = await readFile(await debuggedImage(boardName));
    const { uarts } = await boardSpecOf(boardName);
    const channels = [uarts[0]?.name ?? "", "gdb"].map((name) => ({ name, tcp: true }));
    const rest = { generation: ++this.#generation, channels, ...desired };
    await this.agent.client.putDesired(await this.agent.desired(uid, image, rest, boardName));
    return this.agent.statusWhen(uid, ({ phase }) => phase === awaited);
  }

  /** What a UART has said, once this text has come. */
  said(uid: string, uart: string, text: string): Promise<string> {
    return readUntil(this.agent.client.log({ instance: uid }, uart, { isFollowed: true }), text);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.agent[Symbol.asyncDispose]();
  }
}

export function portOf({ endpoints }: InstanceStatus, channel: string): number {
  return endpoints.find(({ name }) => name === channel)?.port ?? 0;
}
