import { delimiter, join } from "node:path";
import { farmFolders } from "../folders.ts";
import type { Surroundings } from "../surroundings.ts";
import { findFarmQemu } from "./farm-qemu.ts";

type Environment = Surroundings["env"];

/**
 * The environment for agents: where the farm's own QEMU is built, its folder comes first in EMUFARM_QEMU_PATH, unless
 * EMUFARM_QEMU=stock. A build that is not fit is told on stderr and left out.
 */
export function withFarmQemu(
  surroundings: Pick<Surroundings, "env" | "uid" | "home" | "cwd" | "project" | "stderr">,
): Environment {
  const { env, project, stderr } = surroundings;
  if (env.EMUFARM_QEMU === "stock") return env;
  const found = findFarmQemu(farmFolders(surroundings).cache, join(project.folder, "images/qemu"));
  if (found.state === "refused") {
    stderr.write(`emufarm: ${found.problem}: stock emulators are used. Type: npm run qemu\n`);
  }
  if (found.state !== "ready") return env;
  const folders = [join(found.folder, "bin"), ...(env.EMUFARM_QEMU_PATH ?? "").split(delimiter)];
  return { ...env, EMUFARM_QEMU_PATH: folders.filter((folder) => folder !== "").join(delimiter) };
}
