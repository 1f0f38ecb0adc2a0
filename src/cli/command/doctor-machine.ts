import { access, constants, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { hasHardwareVirtualization } from "../../core/policy/hardware-virtualization.ts";
import { connectFarm, findFarm } from "../farm/find-farm.ts";
import { upCommand } from "../farm/follow-up.ts";
import type { FarmOptions } from "../farm-options.ts";
import { farmFolders } from "../folders.ts";
import type { Surroundings } from "../surroundings.ts";
import { findProgram } from "../up/program-path.ts";
import { programVersion } from "../up/program-version.ts";
import type { Finding } from "./finding.ts";

const LEAST_NODE = 24;
/** Reading and writing, for the group. */
const GROUP_ACCESS = 0o060;

/** Node, Redis, KVM, folders and the running farm. */
export async function machineFindings(surroundings: Surroundings, options: FarmOptions): Promise<Finding[]> {
  const findings = await Promise.all([
    redisFinding(surroundings),
    setprivFinding(surroundings),
    kvmFinding(),
    ...folderFindings(surroundings, options),
    farmFinding(surroundings, options),
  ]);
  return [nodeFinding(), ...findings].filter((finding) => finding !== undefined);
}

function nodeFinding(): Finding {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= LEAST_NODE) return { level: "ok", subject: "node", text: node };
  return { level: "fail", subject: "node", text: `${node}, but ${LEAST_NODE} is needed`, advice: "run npm start once" };
}

async function redisFinding({ env }: Surroundings): Promise<Finding> {
  const server = findProgram("redis-server", env.PATH) ?? findProgram("valkey-server", env.PATH);
  if (server !== undefined) {
    return { level: "ok", subject: "redis", text: (await programVersion(server))?.replace(/ sha=.*/, "") ?? server };
  }
  const text = "neither redis-server nor valkey-server is installed: emufarm run works, emufarm up and test do not";
  return { level: "fail", subject: "redis", text, advice: "apt install redis-server" };
}

async function setprivFinding({ env }: Surroundings): Promise<Finding | undefined> {
  if (findProgram("setpriv", env.PATH) !== undefined) return undefined;
  const text = "not installed: Redis outlives an emufarm up that is killed by force, until the next one";
  return { level: "warn", subject: "setpriv", text, advice: "apt install util-linux" };
}

async function kvmFinding(): Promise<Finding> {
  try {
    await access("/dev/kvm", constants.R_OK | constants.W_OK);
    if (!hasHardwareVirtualization(await readFile("/proc/cpuinfo", "utf8"), process.arch)) {
      return { level: "ok", subject: "kvm", text: "not used: the processor shows no virtualization (vmx, svm)" };
    }
    return { level: "ok", subject: "kvm", text: "usable: guests of this machine's own architecture run at full speed" };
  } catch (error) {
    const text = "not usable: every guest is emulated, which is all that most boards need";
    if ((error as NodeJS.ErrnoException).code !== "EACCES") return { level: "ok", subject: "kvm", text };
    const advice = kvmAdvice(await stat("/dev/kvm"), await readFile("/etc/group", "utf8"));
    return { level: "warn", subject: "kvm", text: "/dev/kvm is closed to you", advice };
  }
}

/** Joining a group helps only where the device is open to one. */
export function kvmAdvice({ gid, mode }: { readonly gid: number; readonly mode: number }, groups: string): string {
  const named = groups.split("\n").map((line) => line.split(":"));
  if (gid === 0 || (mode & GROUP_ACCESS) !== GROUP_ACCESS) {
    const hasGroup = named.some(([name]) => name === "kvm");
    const group = hasGroup ? "" : "sudo groupadd --system kvm; ";
    return `open it to a group and join that: ${group}sudo chgrp kvm /dev/kvm; sudo chmod 660 /dev/kvm; sudo usermod -aG kvm $USER`;
  }
  return `join the group ${named.find(([, , id]) => id === String(gid))?.[0] ?? gid}`;
}

function folderFindings(surroundings: Surroundings, options: FarmOptions): Promise<Finding>[] {
  const { data, cache, runtime } = farmFolders(surroundings, options.data);
  return [
    folderFinding("data", data, "--data or EMUFARM_DATA"),
    folderFinding("cache", cache, "EMUFARM_CACHE"),
    folderFinding("runtime", runtime, "EMUFARM_RUNTIME_DIR"),
  ];
}

/** A folder that does not exist yet is as good as the nearest one above it that does. */
async function folderFinding(subject: string, folder: string, option: string): Promise<Finding> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      await access(path, constants.W_OK);
      return { level: "ok", subject, text: folder };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENOENT" && path !== dirname(path)) continue;
      return {
        level: "fail",
        subject,
        text: `${folder} cannot be written (${code})`,
        advice: `choose another: ${option}`,
      };
    }
  }
}

async function farmFinding(surroundings: Surroundings, options: FarmOptions): Promise<Finding> {
  try {
    const address = await findFarm(surroundings, options);
    if (!address)
      return { level: "ok", subject: "farm", text: `none is up; ${upCommand(surroundings, options)} starts one` };
    await using farm = await connectFarm(surroundings, options);
    const boards = await farm.boards();
    const available = boards.filter((board) => board.isAvailable).length;
    return { level: "ok", subject: "farm", text: `up at ${address.address}, ${available} of ${boards.length} boards` };
  } catch (error) {
    const { message } = FarmError.from(error);
    return { level: "fail", subject: "farm", text: message, advice: "see the logs in its data folder" };
  }
}
