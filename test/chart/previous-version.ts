import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { buildImage } from "../../scripts/images/build.ts";
import { IMAGE_NAMES } from "../../scripts/images/definition.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import type { TestCluster } from "../cluster/test-cluster.ts";

/** The version that farms are upgraded from: the last one whose agents took a token for good. */
const COMMIT = "984d55eb42d72667e4dfe396bb32dfa2401dd67d";
/** Its own, so that its images are others than the present ones. */
const VERSION = "0.0.9";

/** The tree of an earlier version. */
export interface PreviousVersion extends Disposable {
  readonly version: string;
  readonly chart: string;
  /** Has its images on every node. */
  load(cluster: TestCluster): Promise<void>;
}

/** Why there is none: a checkout may have no history. */
export async function noPreviousVersion(): Promise<string | undefined> {
  const { exitCode } = await execa("git", ["cat-file", "-e", `${COMMIT}^{commit}`], {
    cwd: projectFolder,
    reject: false,
  });
  return exitCode === 0 ? undefined : `this checkout has not the history back to ${COMMIT}`;
}

export async function checkOutPrevious(): Promise<PreviousVersion> {
  const folder = mkdtempSync(join(tmpdir(), "emu-previous-"));
  const archive = join(folder, "tree.tar");
  const project = join(folder, "tree");
  await execa("git", ["archive", "--output", archive, COMMIT], { cwd: projectFolder });
  mkdirSync(project);
  await execa("tar", ["-xf", archive, "-C", project]);
  symlinkSync(join(projectFolder, "node_modules"), join(project, "node_modules"));
  const facts = join(project, "package.json");
  writeFileSync(facts, JSON.stringify({ ...JSON.parse(readFileSync(facts, "utf8")), version: VERSION }));
  return {
    version: VERSION,
    chart: join(project, "charts/emufarm"),
    async load(cluster) {
      for (const name of IMAGE_NAMES) {
        const place = { project, cache: ownCacheFolder(), isStock: true };
        const { file } = await buildImage(place, name, folder);
        await cluster.load(file);
      }
    },
    [Symbol.dispose]() {
      if (existsSync(folder)) rmSync(folder, { recursive: true });
    },
  };
}
