import { join, resolve } from "node:path";
import { ownCacheFolder } from "../../scripts/setup/folders.mjs";
import { findFarmQemu } from "../../src/cli/farm/farm-qemu.ts";

/** Folder of the farm's own emulators; undefined where they are not built, or the stock ones are asked for. */
export function farmQemuFolder(): string | undefined {
  if (process.env.EMUFARM_QEMU === "stock") return undefined;
  const build = findFarmQemu(ownCacheFolder(), resolve(import.meta.dirname, "../../images/qemu"));
  return build.state === "ready" ? join(build.folder, "bin") : undefined;
}

export const NOT_BUILT = "left out: the farm's own QEMU is not built (npm run qemu)";
