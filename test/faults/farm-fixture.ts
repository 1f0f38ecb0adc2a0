import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createFarmClient, type FarmClient } from "../../src/client/farm-client.ts";
import type { JobSpecInput } from "../../src/core/schema/job.ts";
import type { JobVerdict, RunRecord } from "../../src/core/wire/farm.ts";
import { type RedisFixture, startRedis } from "../api/queue/redis-fixture.ts";

const PROJECT = join(import.meta.dirname, "../..");

export type PartName = "api" | "dispatcher" | "agent0" | "agent1";
export const PARTS: readonly PartName[] = ["api", "dispatcher", "agent0", "agent1"];

/**
 * A whole farm of real processes, each of which can be killed and started again on its own, as its supervisor or the
 * machine's fate would.
 */
export class FarmFixture implements AsyncDisposable {
  readonly redis: RedisFixture;
  readonly #folder: string;
  #client: FarmClient | undefined;
  /** Of the API: one that the system chose at its first start. */
  #url = "http://127.0.0.1:0";
  readonly #children = new Map<PartName, ChildProcess>();
  #said = "";

  readonly #env: Readonly<Record<string, string>>;

  private constructor(folder: string, redis: RedisFixture, env: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#env = env;
    this.redis = redis;
  }

  get client(): FarmClient {
    if (!this.#client) throw new Error("the farm is not up");
    return this.#client;
  }

  /** @param env settings of every process, besides its own */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<FarmFixture> {
    // Short, since sockets lie in it; and passable for the users that emulators run as.
    const folder = await mkdtemp(join(tmpdir(), "ef-"));
    await chmod(folder, 0o711);
    const token = "token-of-the-fault-tests";
    await writeFile(join(folder, "token"), token, { mode: 0o600 });
    const farm = new FarmFixture(folder, await startRedis(), env);
    await farm.startPart("api");
    farm.#url = await farm.#chosenUrl();
    farm.#client = createFarmClient({ address: farm.#url, token });
    for (const part of PARTS) if (part !== "api") await farm.startPart(part);
    await farm.untilUp();
    return farm;
  }

  /** What the processes logged, for a test that has failed. */
  get said(): string {
    return this.#said;
  }

  /** Another dispatcher beside the first one. */
  async startSecondDispatcher(): Promise<AsyncDisposable> {
    const child = await this.#spawn("dispatcher", "second");
    return {
      async [Symbol.asyncDispose]() {
        const exited = once(child, "exit");
        child.kill("SIGKILL");
        await exited;
      },
    };
  }

  async startPart(part: PartName): Promise<void> {
    this.#children.set(part, await this.#spawn(part, part));
  }

  async #spawn(part: PartName, name: string): Promise<ChildProcess> {
    const isAgent = part.startsWith("agent");
    const own = join(this.#folder, isAgent ? part : "farm");
    const runtime = join(this.#folder, `r${part}`);
    for (const folder of [own, runtime]) await mkdir(folder, { recursive: true, mode: 0o711 });
    const child = spawn(process.execPath, [join(PROJECT, isAgent ? "src/agent/main.ts" : "src/api/main.ts")], {
      env: {
        PATH: process.env.PATH,
        EMUFARM_ROLE: part,
        EMUFARM_LISTEN: part === "api" ? `tcp:${new URL(this.#url).host}` : this.#addressOf(name),
        EMUFARM_TOKEN_FILE: join(this.#folder, "token"),
        EMUFARM_RUNTIME_DIR: runtime,
        EMUFARM_DATA: own,
        EMUFARM_CACHE: join(this.#folder, "cache"),
        EMUFARM_SLOTS: "3",
        EMUFARM_REDIS: this.redis.address,
        EMUFARM_AGENTS: `${this.#addressOf("agent0")},${this.#addressOf("agent1")}`,
        EMUFARM_PUBLIC_URL: this.#url,
        EMUFARM_ADDRESS_FILE: this.#urlFile,
        EMUFARM_BOARDS: join(PROJECT, "manifests/boards"),
        ...this.#env,
      },
      stdio: ["pipe", "ignore", "pipe"],
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#said += text;
    });
    return child;
  }

  /** Such as SIGSTOP, which a process cannot see. */
  signalPart(part: PartName, signal: NodeJS.Signals): void {
    this.#children.get(part)?.kill(signal);
  }

  /** Folder of the store. */
  get dataFolder(): string {
    return join(this.#folder, "farm");
  }

  /** Ends a process as `kill -9` does, and waits for its end. */
  async killPart(part: PartName): Promise<void> {
    const child = this.#children.get(part);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async restartPart(part: PartName): Promise<void> {
    await this.killPart(part);
    await this.startPart(part);
  }

  /** Settles when the API answers. */
  async untilUp(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.client.runs({ limit: 1 });
        return;
      } catch (error) {
        if (tries > 300) throw new Error(`the farm is not up:\n${this.#said}`, { cause: error });
        await sleep(100);
      }
    }
  }

  async submit(image: Uint8Array, jobs: number, options: Partial<JobSpecInput> = {}): Promise<RunRecord> {
    const { sha256 } = await this.client.uploadBytes(image);
    const job = { board: "mps2-an385", firmware: { sha256 }, timeout: "60s", ...options };
    return await this.client.submitRun({ jobs: Array.from({ length: jobs }, () => job) });
  }

  /** The verdicts of a run as its events tell them, once all are there. Calls `onVerdict` for each as it comes. */
  async follow(runId: string, onVerdict: (count: number) => void = () => {}): Promise<JobVerdict[]> {
    const verdicts: JobVerdict[] = [];
    for await (const event of this.client.events(runId)) {
      if (event.type !== "jobFinished") continue;
      verdicts.push(event.verdict);
      onVerdict(verdicts.length);
    }
    return verdicts;
  }

  /** Emulators of this farm that are alive. */
  async emulators(): Promise<number[]> {
    const pids: number[] = [];
    for (const name of await readdir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      // A process may go while it is looked at.
      const command = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
      if (command.startsWith("qemu-system") || /^[^\0]*\/qemu-system/.test(command)) {
        if (command.includes(this.#folder)) pids.push(Number(name));
      }
    }
    return pids;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.[Symbol.asyncDispose]();
    // Their standard input closes: each ends what it has started.
    const children = [...this.#children.values()].filter(
      (child) => child.exitCode === null && child.signalCode === null,
    );
    await Promise.all(
      children.map(async (child) => {
        const exited = once(child, "exit");
        child.stdin?.end();
        const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
        await exited;
        clearTimeout(timer);
      }),
    );
    await this.redis[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #urlFile(): string {
    return join(this.#folder, "api.url");
  }

  async #chosenUrl(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const look = async () => {
      const url = await readFile(this.#urlFile, "utf8").catch(() => "");
      if (url !== "") resolve(url);
    };
    const watcher = watch(this.#folder, () => void look());
    const timer = setTimeout(() => reject(new Error(`the API did not start:\n${this.#said}`)), 30_000);
    await look();
    return await promise.finally(() => {
      clearTimeout(timer);
      watcher.close();
    });
  }

  #addressOf(part: string): string {
    return `unix:${join(this.#folder, `${part}.sock`)}`;
  }
}
