/** `node scripts/chart.ts` writes manifests/install.yaml from the chart. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { installManifest } from "./chart/install-manifest.ts";
import { programFolders } from "./cluster/tools.ts";
import { ownCacheFolder, projectFolder } from "./setup/folders.mjs";
import { SetupError, say } from "./setup/say.mjs";

try {
  const [folder = ""] = programFolders(ownCacheFolder(), ["helm"]);
  const file = join(projectFolder, "manifests/install.yaml");
  writeFileSync(file, await installManifest(projectFolder, join(folder, "helm")));
  say(`${file} is the chart as it comes`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
