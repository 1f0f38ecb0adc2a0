import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noClusterReason } from "../../scripts/cluster/wanted.ts";
import { buildImage } from "../../scripts/images/build.ts";
import { missingContainerTools } from "../../scripts/images/container-tools.ts";
import { IMAGE_NAMES } from "../../scripts/images/definition.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import { type ContainerEngine, openContainerEngine } from "./container-engine.ts";
import { unpackImage } from "./unpacked-image.ts";

const BUILD_MS = 900_000;
const missing = missingContainerTools();
// As a cluster's, these tests take root and minutes.
const reason = noClusterReason(process.env) ?? (missing.length > 0 ? `not installed: ${missing.join(" ")}` : undefined);

describe.skipIf(reason)(`a Containerfile${reason === undefined ? "" : ` (${reason})`}`, () => {
  let engine: ContainerEngine;
  let folder = "";
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "containerfiles-"));
    engine = await openContainerEngine();
  }, BUILD_MS);
  afterAll(async () => {
    await engine?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(IMAGE_NAMES)(
    "makes the same files of %s as are made without a container engine",
    { timeout: BUILD_MS },
    async (name) => {
      const theirs = await engine.build(name);
      const built = await buildImage({ project: projectFolder, cache: ownCacheFolder(), isStock: true }, name, folder);
      const ours = await unpackImage(built, join(folder, name));
      expect(await filesIn(theirs)).toEqual(await filesIn(ours.root));
      const { User, Entrypoint, Env } = (await engine.inspect(name)).OCIv1.config;
      expect({ User, Entrypoint, Env: Env.sort() }).toEqual({
        User: ours.config.config.User,
        Entrypoint: ours.config.config.Entrypoint,
        Env: ours.config.config.Env.sort(),
      });
    },
  );
});

/** Kind, mode, owner, size and target of every file; of folders no size, which the file system makes up. */
async function filesIn(root: string): Promise<string[]> {
  const { stdout } = await execa("find", [root, "-mindepth", "1", "-printf", "%P %y %m %U:%G %l %s\\n"]);
  const lines = stdout.split("\n").map((line) => (/^\S+ d /.test(line) ? line.replace(/ \d+$/, "") : line));
  return lines.sort();
}
