/** `node scripts/chart.ts` writes manifests/install.yaml from the chart. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { installManifest } from "./chart/install-manifest.ts";
import { programFolders } from "./cluster/tools.ts";
import { orSay } from "./setup/commands.ts";
import { ownCacheFolder, projectFolder } from "./setup/folders.mjs";
import { say } from "./setup/say.mjs";

await orSay(async () => {
  const [folder = ""] = programFolders(ownCacheFolder(), ["helm"]);
  const file = join(projectFolder, "manifests/install.yaml");
  writeFileSync(file, await installManifest(projectFolder, join(folder, "helm")));
  say(`${file} is the chart as it comes`);
});
