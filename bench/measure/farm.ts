import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, watch } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { farmFolders } from "../../src/cli/folders.ts";
import { createFarmClient, type FarmClient } from "../../src/client/farm-client.ts";

const PROGRAM = resolve(import.meta.dirname, "../../bin/emufarm");
const START_TIMEOUT_MS = 30_000;

/** A whole farm of its own for a benchmark, as `emufarm up` makes it, in a temporary folder. */
export interface BenchFarm extends AsyncDisposable {
  /** Pid of `emufarm up`; all other processes are below it. */
  readonly pid: number;
  readonly data: string;
  readonly redisSocket: string;
  readonly client: FarmClient;
}

export async function startBenchFarm(options: { slots: number }): Promise<BenchFarm> {
  const data = await mkdtemp(join(tmpdir(), "emufarm-bench-"));
  const farmFile = join(data, "farm.json");
  const isUp = Promise.withResolvers<void>();
  const watcher = watch(data, () => {
    if (existsSync(farmFile)) isUp.resolve();
  });
  const up = spawn(PROGRAM, ["up", "--data", data, "--port", "0", "--slots", String(options.slots)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exited = once(up, "exit");
  up.once("exit", () => isUp.reject(new Error("emufarm up ended")));
  const timer = setTimeout(() => isUp.reject(new Error("the farm was not up in time")), START_TIMEOUT_MS);
  try {
    await isUp.promise;
  } finally {
    clearTimeout(timer);
    watcher.close();
  }
  const { url } = JSON.parse(await readFile(farmFile, "utf8")) as { url: string };
  const client = createFarmClient({ address: url, token: (await readFile(join(data, "token"), "utf8")).trim() });
  return {
    pid: up.pid as number,
    data,
    redisSocket: join(runtimeFolder(data), "redis.sock"),
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      up.kill("SIGTERM");
      await exited;
      await rm(data, { recursive: true });
    },
  };
}

function runtimeFolder(data: string): string {
  const user = { env: process.env, uid: process.getuid?.() ?? 0, home: homedir(), cwd: process.cwd() };
  return farmFolders(user, data).runtime;
}

/** Submits a run and waits for its end; wall seconds from the submission to the last verdict. */
export async function runSeconds(
  farm: Pick<BenchFarm, "client">,
  image: string,
  board: string,
  jobs: number,
  options: { expectText?: string } = {},
): Promise<number> {
  const { sha256 } = await farm.client.uploadBytes(await readFile(image));
  const job = { board, firmware: { sha256 }, ...options };
  const started = performance.now();
  const run = await farm.client.submitRun({ jobs: Array.from({ length: jobs }, () => job) });
  for await (const event of farm.client.events(run.id)) {
    if (event.type === "end" && event.run.outcome !== "passed") {
      throw new Error(`the run has ${event.run.totals.unexpected} unexpected verdicts`);
    }
  }
  return (performance.now() - started) / 1_000;
}
