/** The whole of it: up, down, and how it stands. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { takeTurn } from "../qemu/turn.ts";
import { SetupError, say } from "../setup/say.mjs";
import { buildTools } from "./build.ts";
import { removeAllCgroups } from "./cgroups.ts";
import { checkAddresses, checkWatches, prepareHost } from "./host.ts";
import { importOwnImages, makeImages } from "./images.ts";
import { makeKeys } from "./keys.ts";
import { boot, cutPower, initOf, untilOff } from "./machine.ts";
import { plugIn, plugInSwitch, unplugHost } from "./network.ts";
import { isApiServerReady, untilTrue } from "./readiness.ts";
import { type ClusterSettings, dnsAddress, isNode, keysFolder, MACHINES, type MachineName, NODES } from "./settings.ts";
import { CLUSTER_TOOLS, programFolders } from "./tools.ts";

const API_SERVER_MS = 120_000;
const WAIT = "--timeout=120s";

/**
 * Brings up what is not running. From nothing it takes seconds, once the programs are built.
 *
 * @throws {SetupError} where a person has to do something
 */
export async function bringUp(settings: ClusterSettings): Promise<void> {
  prepareHost();
  await buildTools(settings.cache, CLUSTER_TOOLS);
  if (!isUp(settings)) checkWatches();
  mkdirSync(settings.folder, { recursive: true });
  await using _turn = await takeTurn(settings.folder, () => say("somebody else brings the cluster up: waiting"));
  const started = performance.now();
  const tell = (line: string) => say(`cluster, ${((performance.now() - started) / 1000).toFixed(1)} s: ${line}`);
  // Without its switch nothing of a cluster is of use, and there may be a disk from before the host's last start.
  if (!isUp(settings)) await clearAway(settings);
  await checkAddresses(settings);
  await makeKeys(settings);
  await makeImages(settings);
  await start(settings, "switch");
  await Promise.all(MACHINES.filter((machine) => machine !== "switch").map((machine) => start(settings, machine)));
  tell("the machines run");
  await untilApiServer(settings);
  const nodes = NODES.map((node) => `node/${node}`);
  // Each by itself: of several that are missing kubectl says so, and does not wait.
  for (const node of [...nodes, "serviceaccount/default"])
    await kubectl(settings, ["wait", "--for=create", node, WAIT]);
  await kubectl(settings, ["wait", "--for=condition=Ready", ...nodes, WAIT]);
  tell("the nodes are ready");
  const manifests = ["storage-class.yaml", "coredns.yaml"].map((file) =>
    readFileSync(fileURLToPath(new URL(file, import.meta.url)), "utf8"),
  );
  await kubectl(settings, ["apply", "-f", "-"], manifests.join("---\n").replace("DNS_ADDRESS", dnsAddress(settings)));
  await kubectl(settings, ["rollout", "status", "deployment/coredns", "--namespace=kube-system", WAIT]);
  tell(`up. KUBECONFIG=${settings.kubeconfig}`);
}

/** Ends all of it, and removes what it had. */
export async function takeDown(settings: ClusterSettings): Promise<void> {
  if (!existsSync(settings.folder)) return;
  {
    await using _turn = await takeTurn(settings.folder, () => say("the cluster is being brought up: waiting"));
    await clearAway(settings);
  }
  rmSync(settings.folder, { recursive: true, force: true });
}

/** Powers a machine on and plugs it in, where it is off. */
export async function start(settings: ClusterSettings, machine: MachineName): Promise<void> {
  if (initOf(settings, machine) !== undefined) return;
  const init = await boot(settings, machine);
  if (machine === "switch") return await plugInSwitch(settings, init);
  await plugIn(settings, machine, init);
  if (isNode(machine)) await importOwnImages(settings, machine);
}

/** Runs kubectl as one who may do everything. @throws {SetupError} where it fails, with its words */
export async function kubectl(settings: ClusterSettings, args: readonly string[], input = ""): Promise<string> {
  const { stdout, stderr, failed } = await execa("kubectl", args, { env: userEnv(settings), input, reject: false });
  if (failed) throw new SetupError(`kubectl ${args.slice(0, 3).join(" ")} failed: ${stderr.trim()}`);
  return stdout;
}

/** What makes kubectl, helm and clients work on the cluster. */
export function userEnv({ cache, kubeconfig }: ClusterSettings): { PATH: string; KUBECONFIG: string } {
  const folders = programFolders(cache, ["kubernetes"]);
  return { PATH: [...folders, process.env.PATH].join(delimiter), KUBECONFIG: kubeconfig };
}

export function isUp(settings: ClusterSettings): boolean {
  return initOf(settings, "switch") !== undefined;
}

async function untilApiServer(settings: ClusterSettings): Promise<void> {
  const read = (name: string) => readFileSync(join(keysFolder(settings), name));
  const trust = {
    ca: read("ca.crt"),
    cert: read("apiserver-kubelet-client.crt"),
    key: read("apiserver-kubelet-client.key"),
  };
  await untilTrue(
    () => isApiServerReady(settings.apiServer, trust),
    API_SERVER_MS,
    () => new SetupError(`the API server is not ready: see ${join(settings.folder, "control-plane/log")}`),
  );
}

/** Everything but the folder itself, which holds the turn. */
async function clearAway(settings: ClusterSettings): Promise<void> {
  await unplugHost(settings);
  for (const machine of MACHINES) cutPower(settings, machine);
  await Promise.all(MACHINES.map((machine) => untilOff(settings, machine)));
  await removeAllCgroups(settings);
  rmSync(settings.folder, { recursive: true, force: true });
  mkdirSync(settings.folder, { recursive: true });
}
