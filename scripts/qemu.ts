/**
 * `npm run qemu` builds the farm's own QEMU; `npm run -s qemu -- path arm` prints where the program of a target lies,
 * `-- status` says what is there, `-- test` runs QEMU's own tests against it, `-- clean` removes what is of no use any
 * more, `-- pin` pins Debian's newest source.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findFarmQemu, qemuBuildsFolder } from "../src/cli/farm/farm-qemu.ts";
import { buildFarmQemu, qemuWorkFolder } from "./qemu/build.ts";
import { fileDigest } from "./qemu/digest.ts";
import { pinSource } from "./qemu/pin.ts";
import { proveFarmQemu, qemuTestsFolder } from "./qemu/prove.ts";
import { tellSteps } from "./qemu/steps.ts";
import { takeTurn } from "./qemu/turn.ts";
import { type Commands, fail, runCommand } from "./setup/commands.ts";
import { ownCacheFolder, projectFolder } from "./setup/folders.mjs";
import { say } from "./setup/say.mjs";

const images = join(projectFolder, "images/qemu");
const cache = ownCacheFolder();

const commands: Commands = {
  build: async () => {
    say(`the farm's QEMU is in ${await buildFarmQemu({ images, cache })}`);
  },
  path: async (target = "") => {
    const found = findFarmQemu(cache, images);
    const name = `qemu-system-${target}`;
    if (found.state === "refused") return fail(`${found.problem}. Type: npm run qemu`);
    if (found.state === "absent") return fail("the farm's QEMU is not built. Type: npm run qemu");
    const binary = found.manifest.binaries.find((one) => one.name === name);
    if (binary === undefined) {
      const names = found.manifest.binaries.map((one) => one.name.replace("qemu-system-", ""));
      return fail(`which target? One of: ${names.join(", ")}`);
    }
    const path = join(found.folder, "bin", name);
    if ((await fileDigest(path)) !== binary.sha256) {
      return fail(`${path} is not as it was built (its SHA-256 differs). Type: npm run qemu`);
    }
    process.stdout.write(`${path}\n`);
    return 0;
  },
  status: async () => {
    const found = findFarmQemu(cache, images);
    if (found.state === "absent") return fail("not built. Type: npm run qemu");
    if (found.state === "refused") return fail(`${found.problem}. Type: npm run qemu`);
    const { version, compiler, binaries } = found.manifest;
    process.stdout.write(`${found.folder}\nQEMU ${version}, by ${compiler}\n`);
    for (const { name, bytes } of binaries) process.stdout.write(`${name} ${(bytes / 1e6).toFixed(1)} MB\n`);
    return 0;
  },
  test: async (...args) => {
    const found = findFarmQemu(cache, images);
    if (found.state === "absent") return fail("not built. Type: npm run qemu");
    if (found.state === "refused") return fail(`${found.problem}. Type: npm run qemu`);
    const { values, positionals } = parseArgs({ args, options: { with: { type: "string" } }, allowPositionals: true });
    const programs = values.with ?? join(found.folder, "bin");
    const place = { images, cache, steps: tellSteps(), build: found, programs, wanted: positionals };
    return (await proveFarmQemu(place)) ? 0 : 1;
  },
  clean: async () => {
    const works = qemuWorkFolder(cache);
    await using _turn = await takeTurn(works, () => say("a build is at work: waiting for it"));
    const found = findFarmQemu(cache, images);
    const builds = namesIn(qemuBuildsFolder(cache)).map((name) => join(qemuBuildsFolder(cache), name));
    for (const folder of [...builds, works, qemuTestsFolder(cache)]) {
      if (found.state !== "ready" || folder !== found.folder) rmSync(folder, { recursive: true, force: true });
    }
  },
  pin: async () => {
    const { version } = await pinSource(images, cache, tellSteps());
    say(`images/qemu/source.json pins ${version} now. Type: npm run qemu`);
  },
};

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Nothing was ever built here.
    return [];
  }
}

await runCommand(commands, "build");
