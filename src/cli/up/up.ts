import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { EXIT } from "../exit-code.ts";
import { usedFarmQemu, withFarmQemu } from "../farm/emulator-path.ts";
import { findFarm } from "../farm/find-farm.ts";
import { followUp } from "../farm/follow-up.ts";
import { farmFolders } from "../folders.ts";
import { tellInterruption } from "../interruption.ts";
import type { Surroundings } from "../surroundings.ts";
import { type RunningFarm, startFarm } from "./farm.ts";
import { type FarmPlan, SLOTS_PER_AGENT } from "./farm-process.ts";

interface UpOptions {
  readonly data?: string;
  readonly port: number;
  readonly slots?: number;
  readonly agents?: number;
  readonly boards?: readonly string[];
  readonly examples?: string | true;
  readonly json?: true;
}

const STOPPING = "stopping the farm and what runs on it";

/** `emufarm up`: the farm on this machine, until it is interrupted or has run what it was asked to. */
export async function up(surroundings: Surroundings, options: UpOptions): Promise<number> {
  const { stdout, stderr, interrupted } = surroundings;
  const plan = planOf(surroundings, options);
  if (plan.boards.length > 0) {
    const { checkBoardFolder } = await import("../farm/board-files.ts");
    for (const folder of plan.boards) await checkBoardFolder(surroundings, folder);
  }
  const say = (text: string) => stderr.write(`emufarm: ${text}\n`);
  const own = usedFarmQemu(surroundings);
  if (own?.state === "refused") say(`${own.problem}: stock emulators are used. Type: npm run qemu`);
  const telling = tellInterruption(interrupted, say, STOPPING);
  await using farm = await startFarm(
    plan,
    { onLost: (name, how, restartMs) => say(`${name} ended (${how}); starting it again in ${restartMs / 1_000} s`) },
    interrupted,
  ).catch(async (error: unknown) => {
    const other = error instanceof FarmError && error.code === "FolderInUse" && (await findFarm(surroundings, options));
    if (other) say(`the farm that is up answers at ${other.address}${hintOnExamples(surroundings, options)}`);
    throw error;
  });
  if (options.json)
    stdout.write(`${JSON.stringify({ url: farm.address, tokenFile: farm.tokenFile, pid: plan.pid })}\n`);
  else stdout.write(`emufarm is up: ${farm.address}${stdout.isTTY ? `/#token=${farm.token}` : ""}\n`);
  // A log that others read is no place for a token.
  if (!options.json && !stdout.isTTY) stdout.write(`Its token lies in ${farm.tokenFile}\n`);
  if (options.examples === undefined) {
    await interruption(interrupted);
    return EXIT.passed;
  }
  telling[Symbol.dispose]();
  return await runExamples(surroundings, farm, options, say);
}

/** Whoever typed `npm start` once more gets what they came for. */
function hintOnExamples(surroundings: Surroundings, options: UpOptions): string {
  if (options.examples === undefined) return "";
  const { data } = options;
  const command = followUp(surroundings, data === undefined ? {} : { data }, [
    "test",
    examplesFolder(surroundings, options),
  ]);
  return `; to run the examples there: ${command}`;
}

function examplesFolder({ cwd, project }: Surroundings, { examples }: UpOptions): string {
  return typeof examples === "string" ? resolve(cwd, examples) : project.examplesFolder;
}

function planOf(surroundings: Surroundings, options: UpOptions): FarmPlan & { pid: number; uid: number } {
  const { cwd, pid, uid, project } = surroundings;
  const slots = options.slots ?? availableParallelism() * 2;
  return {
    folders: farmFolders(surroundings, options.data),
    project,
    env: withFarmQemu(surroundings),
    pid,
    uid,
    node: surroundings.node,
    host: "127.0.0.1",
    port: options.port,
    slots,
    agents: Math.min(slots, options.agents ?? Math.ceil(slots / SLOTS_PER_AGENT)),
    boards: (options.boards ?? []).map((folder) => resolve(cwd, folder)),
  };
}

async function runExamples(
  surroundings: Surroundings,
  farm: RunningFarm,
  options: UpOptions,
  say: (text: string) => void,
): Promise<number> {
  const { env, stdout, interrupted } = surroundings;
  const folder = examplesFolder(surroundings, options);
  const { testOnFarm } = await import("../test/test.ts");
  const reports = resolve(farmFolders(surroundings, options.data).data, "reports");
  await mkdir(reports, { recursive: true, mode: 0o700 });
  const junit = resolve(reports, "examples.xml");
  const { data, json } = options;
  const exitCode = await testOnFarm(surroundings, farm, folder, {
    junit,
    stopping: STOPPING,
    ...(json && { json }),
    ...(data !== undefined && { data }),
    // Commands that are printed are about this farm, whichever one the environment names.
    ...(env.EMUFARM_URL ? { farm: farm.address, tokenFile: farm.tokenFile } : {}),
    ...(stdout.isTTY ? {} : { stay: "ending" }),
  });
  if (!stdout.isTTY || interrupted.aborted) return exitCode;
  stdout.write(`The farm stays up at ${farm.address}/#token=${farm.token}; Ctrl-C ends it.\n`);
  using _telling = tellInterruption(interrupted, say, STOPPING);
  await interruption(interrupted);
  return exitCode;
}

function interruption(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
