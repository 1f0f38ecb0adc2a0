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
import { type Commands, fail, runCommand } from "./setup/commands.ts";
import { ownCacheFolder } from "./setup/folders.mjs";
import { SetupError } from "./setup/say.mjs";

const cache = ownCacheFolder();
const settings = clusterFromNumber(cache, process.env);

const commands: Record<string, Commands[string]> = {
  build: async (...names) => {
    await buildTools(cache, toolNames(names));
  },
  up: async () => {
    await bringUp(settings);
  },
  down: async () => {
    await takeDown(settings);
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
  },
  kubectl: async (...args) => {
    const env = { ...process.env, ...userEnv(running()) };
    return spawnSync("kubectl", args, { stdio: "inherit", env }).status ?? 1;
  },
  clean: async () => {
    await removeOldTools(cache);
  },
  path: async (...names) => {
    for (const folder of programFolders(cache, toolNames(names))) print(folder);
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

await runCommand(commands);
