import { delimiter, join } from "node:path";
import { farmFolders } from "../folders.ts";
import type { Surroundings } from "../surroundings.ts";
import { type FarmQemu, findFarmQemu } from "./farm-qemu.ts";

type Environment = Surroundings["env"];
/** What tells where the farm's own QEMU lies, and whether it is wanted. */
export type EmulatorPlace = Pick<Surroundings, "env" | "uid" | "home" | "cwd" | "project">;

/** The farm's own QEMU here, or what is wrong with it; undefined where stock emulators are asked for. */
export function usedFarmQemu(surroundings: EmulatorPlace): FarmQemu | undefined {
  const { env, project } = surroundings;
  if (env.EMUFARM_QEMU === "stock") return undefined;
  return findFarmQemu(farmFolders(surroundings).cache, join(project.folder, "images/qemu"));
}

/**
 * The environment for agents: where the farm's own QEMU is built, its folder comes first in EMUFARM_QEMU_PATH, unless
 * EMUFARM_QEMU=stock. A build that is not fit is left out.
 */
export function withFarmQemu(surroundings: EmulatorPlace): Environment {
  const { env } = surroundings;
  const found = usedFarmQemu(surroundings);
  if (found?.state !== "ready") return env;
  const folders = [join(found.folder, "bin"), ...(env.EMUFARM_QEMU_PATH ?? "").split(delimiter)];
  return { ...env, EMUFARM_QEMU_PATH: folders.filter((folder) => folder !== "").join(delimiter) };
}
