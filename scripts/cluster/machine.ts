/** A machine of a cluster: one `unshare`, whose child is PID 1 of it. What runs on it ends with that. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { SetupError } from "../setup/say.mjs";
import { cgroupOf, freeze, makeCgroups, sweepCgroups } from "./cgroups.ts";
import { writeDaemons } from "./daemons.ts";
import { type ClusterSettings, keysFolder, type MachineName, machineFolder } from "./settings.ts";
import { clustersCache, insideToolFolder, type ToolName } from "./tools.ts";

const SCRIPT = fileURLToPath(new URL("machine.sh", import.meta.url));
const START_MS = 10_000;
const LOOK_MS = 20;
const ON_MACHINES: readonly ToolName[] = ["etcd", "kubernetes", "containerd", "cni", "network-policy", "local-volumes"];
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What programs on a machine find. */
const insidePath = () => [...ON_MACHINES.map(insideToolFolder), SYSTEM_PATH].join(":");

/**
 * Powers a machine on, its disk as it was. Its cable is put in by the caller.
 *
 * @returns the process id of its PID 1, as the host sees it
 */
export async function boot(settings: ClusterSettings, machine: MachineName): Promise<number> {
  await sweepCgroups(cgroupOf(settings, machine));
  writeDaemons(settings, machine);
  makeCgroups(settings, machine);
  const folder = machineFolder(settings, machine);
  mkdirSync(join(folder, "log"), { recursive: true });
  const log = openSync(join(folder, "log/machine.log"), "a");
  const namespaces = ["--net", "--mount", "--uts", "--ipc", "--pid", "--mount-proc"];
  // The kernel ends everything in a process namespace with its PID 1, and that one ends with `unshare`.
  const child = spawn("unshare", [...namespaces, "--fork", "--kill-child", "bash", SCRIPT, folder], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
    env: {
      PATH: insidePath(),
      HOME: "/root",
      MACHINE: machine,
      CGROUP: cgroupOf(settings, machine),
      TOOLS: clustersCache(settings.cache),
      KEYS: keysFolder(settings),
    },
  });
  closeSync(log);
  child.unref();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once("spawn", resolve).once("error", reject);
  await promise;
  writeFileSync(join(folder, "pid"), String(child.pid));
  return await untilInit(settings, machine);
}

/** A power cut: SIGKILL to everything on the machine at once. */
export function cutPower(settings: ClusterSettings, machine: MachineName): void {
  const keeper = keeperOf(settings, machine);
  if (keeper !== undefined) process.kill(keeper, "SIGKILL");
  // What is frozen does not die.
  freeze(settings, machine, false);
  rmSync(join(machineFolder(settings, machine), "pid"), { force: true });
}

/** Waits until no process of it is left. */
export async function untilOff(settings: ClusterSettings, machine: MachineName): Promise<void> {
  await sweepCgroups(cgroupOf(settings, machine));
}

/** The process id of a machine's PID 1, or undefined where it is off. */
export function initOf(settings: ClusterSettings, machine: MachineName): number | undefined {
  const keeper = keeperOf(settings, machine);
  if (keeper === undefined) return undefined;
  const children = readIfThere(`/proc/${keeper}/task/${keeper}/children`)?.trim();
  return children ? Number(children.split(" ")[0]) : undefined;
}

/** Runs a program on a machine, and answers with its stdout. @throws where it fails, with its words */
export async function runOn(
  settings: ClusterSettings,
  machine: MachineName,
  command: readonly string[],
  input?: string,
): Promise<string> {
  const { stdout } = await execa("nsenter", [...enter(settings, machine), ...command], {
    extendEnv: false,
    env: { PATH: insidePath(), HOME: "/root" },
    ...(input === undefined ? { stdin: "ignore" as const } : { inputFile: input }),
  });
  return stdout;
}

/** Arguments of nsenter before the command. @throws {SetupError} where the machine is off */
export function enter(settings: ClusterSettings, machine: MachineName): string[] {
  const init = initOf(settings, machine);
  if (init === undefined) throw new SetupError(`${machine} is not running`);
  return ["--target", String(init), "--net", "--mount", "--uts", "--ipc", "--pid", "--"];
}

/** `unshare` itself: trusted only where the process of that number still is the one that was started. */
function keeperOf(settings: ClusterSettings, machine: MachineName): number | undefined {
  const folder = machineFolder(settings, machine);
  const pid = readIfThere(join(folder, "pid"));
  if (pid === undefined) return undefined;
  const words = readIfThere(`/proc/${pid}/cmdline`)?.split("\0") ?? [];
  return words[0] === "unshare" && words.includes(folder) ? Number(pid) : undefined;
}

/** The kernel tells nobody of a child: it is looked for. */
async function untilInit(settings: ClusterSettings, machine: MachineName): Promise<number> {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline) {
    const init = initOf(settings, machine);
    if (init !== undefined) return init;
    await sleep(LOOK_MS);
  }
  const log = readIfThere(join(machineFolder(settings, machine), "log/machine.log")) ?? "";
  throw new SetupError(`${machine} did not start: ${log.slice(-500).trim()}`);
}

function readIfThere(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Of a process that ended in between.
    return undefined;
  }
}
