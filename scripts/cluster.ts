/** `npm run cluster`: a real Kubernetes of three nodes on this machine, for tests and for contributors. */
import { spawnSync } from "node:child_process";
import { buildTools, removeOldTools } from "./cluster/build.ts";
import { bringUp, isUp, kubectl, takeDown, userEnv } from "./cluster/cluster.ts";
import {
  cutCable,
  freezeMachine,
  healCable,
  killMachine,
  machineNamed,
  resumeDaemon,
  startMachine,
  stopDaemon,
  thawMachine,
} from "./cluster/faults.ts";
import { loadImage } from "./cluster/images.ts";
import { initOf } from "./cluster/machine.ts";
import { type ClusterSettings, clusterFromNumber, MACHINES, type MachineName } from "./cluster/settings.ts";
import { programFolders, tools } from "./cluster/tools.ts";
import { ownCacheFolder } from "./setup/folders.mjs";
import { SetupError, say } from "./setup/say.mjs";

const cache = ownCacheFolder();
const settings = clusterFromNumber(cache, process.env);

const commands: Record<string, (...args: string[]) => Promise<number>> = {
  build: async (...names) => {
    await buildTools(cache, toolNames(names));
    return 0;
  },
  up: async () => {
    await bringUp(settings);
    return 0;
  },
  down: async () => {
    await takeDown(settings);
    return 0;
  },
  status: async () => {
    if (!isUp(settings)) return fail("down");
    const isRunning = (machine: MachineName) => initOf(settings, machine) !== undefined;
    const machines = MACHINES.map((machine) => `${machine}: ${isRunning(machine) ? "running" : "off"}`);
    const nodes = await kubectl(settings, ["get", "nodes", "-o", "wide", "--request-timeout=5s"]);
    print([...machines, nodes, `KUBECONFIG=${settings.kubeconfig}`].join("\n"));
    return 0;
  },
  load: async (...archives) => {
    if (archives.length === 0) throw new SetupError("which archive? npm run cluster -- load IMAGE.tar");
    for (const archive of archives) print((await loadImage(settings, archive)).join("\n"));
    return 0;
  },
  kubectl: async (...args) => {
    const env = { ...process.env, ...userEnv(running()) };
    return spawnSync("kubectl", args, { stdio: "inherit", env }).status ?? 1;
  },
  clean: async () => {
    await removeOldTools(cache);
    return 0;
  },
  path: async (...names) => {
    for (const folder of programFolders(cache, toolNames(names))) print(folder);
    return 0;
  },
};

/** What happens to a machine, or to a daemon of it: `npm run cluster -- kill node1`, `-- stop node1 kubelet`. */
const faults: Record<string, (of: ClusterSettings, machine: MachineName, daemon: string) => Promise<void>> = {
  kill: killMachine,
  start: startMachine,
  cut: cutCable,
  heal: healCable,
  freeze: freezeMachine,
  thaw: thawMachine,
  stop: stopDaemon,
  crash: (of, machine, daemon) => stopDaemon(of, machine, daemon, { staysOff: false }),
  resume: resumeDaemon,
};

for (const [name, fault] of Object.entries(faults)) {
  commands[name] = async (machine, daemon = "") => {
    await fault(running(), machineNamed(machine), daemon);
    return 0;
  };
}

function running(): ClusterSettings {
  if (!isUp(settings)) throw new SetupError("the cluster is not up. Type: npm run cluster -- up");
  return settings;
}

function toolNames(names: readonly string[]) {
  const known = tools.map(({ name }) => name);
  const unknown = names.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new SetupError(`no part is named ${unknown}. One of: ${known.join(", ")}`);
  return known.filter((name) => names.length === 0 || names.includes(name));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(line: string): number {
  say(line);
  return 1;
}

const [command = "", ...args] = process.argv.slice(2);
try {
  const action = commands[command];
  if (action === undefined) throw new SetupError(`which command? One of: ${Object.keys(commands).join(", ")}`);
  process.exitCode = await action(...args);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
