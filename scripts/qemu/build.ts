/** `npm run qemu`: the farm's own QEMU, built once for what it is made from. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkQemuBuild, qemuBuildPrefix, qemuBuildsFolder, qemuInputs } from "../../src/cli/farm/farm-qemu.ts";
import { elevation, installPackages } from "../setup/apt.mjs";
import { thisDistribution } from "../setup/distribution.mjs";
import { SetupError } from "../setup/say.mjs";
import { machineAt, missingPackages, toBuildQemu } from "../setup/system-packages.mjs";
import { type Compilation, compile, configureFlags } from "./compile.ts";
import { fileDigest } from "./digest.ts";
import { finish } from "./finish.ts";
import { fetchSource, type QemuSource, readSource } from "./source.ts";
import { type Steps, tellSteps } from "./steps.ts";
import { makeMeson, makeTree } from "./tree.ts";
import { takeTurn } from "./turn.ts";

export interface BuildPlace {
  /** `images/qemu` of the project. */
  readonly images: string;
  readonly cache: string;
  readonly steps?: Steps;
}

/**
 * Sees to a build from the present sources, and answers with its folder. Where there is one whose programs have the
 * digests of its manifest, nothing is done.
 *
 * @throws {SetupError} where a person has to do something
 */
export async function buildFarmQemu({ images, cache, steps = tellSteps() }: BuildPlace): Promise<string> {
  ensureBuildTools();
  const inputs = inputsOf(images);
  const compiler = compilerName();
  const folder = join(qemuBuildsFolder(cache), buildName(inputs, compiler));
  if (existsSync(folder) && (await isAsBuilt(folder, inputs))) return folder;
  // QEMU's configure refuses these characters, later and in other words.
  if (/[\s:]/.test(cache))
    throw new SetupError(`QEMU cannot be built in ${cache}: no spaces and colons, by EMUFARM_CACHE`);
  const works = qemuWorkFolder(cache);
  mkdirSync(works, { recursive: true });
  await using _turn = await takeTurn(works, () => steps.tell("another build is at work: waiting for it"));
  if (existsSync(folder)) {
    if (await isAsBuilt(folder, inputs)) return folder;
    steps.tell(`${folder} is not as it was built: building it again`);
    removeTree(folder);
  }
  const work = join(works, buildName(inputs, compiler));
  // What another build left unfinished is of no use to this one.
  for (const name of readdirSync(works)) if (join(works, name) !== work) removeTree(join(works, name));

  steps.tell(`building into ${folder}`);
  const { source, compilation } = await unpack(work, { images, cache, steps });
  await compile(compilation, steps);
  if (inputsOf(images) !== inputs) throw new SetupError(`${images} was changed during the build. Type: npm run qemu`);
  await finish({ folder, images, inputs, compiler, source, compilation });
  removeTree(work);
  steps.tell(`done: ${folder}`);
  return folder;
}

/** The sources, ready to be configured in a folder; what of them is there already stays as it is. */
export async function unpack(
  work: string,
  { images, cache, steps }: Required<BuildPlace>,
): Promise<{ source: QemuSource; compilation: Compilation }> {
  const source = readSource(images);
  const fetched = await fetchSource(source, cache, steps);
  mkdirSync(work, { recursive: true });
  const compilation: Compilation = {
    tree: join(work, "source"),
    build: join(work, "build"),
    meson: makeMeson(join(work, "meson"), fetched),
    flags: configureFlags(images),
    sourceDateEpoch: source.sourceDateEpoch,
  };
  makeTree(compilation.tree, fetched, images, steps);
  return { source, compilation };
}

/** Where builds are made. */
export function qemuWorkFolder(cache: string): string {
  return join(cache, "qemu", "farm-work");
}

/** Whether every program of a build has the digest that its manifest says. */
async function isAsBuilt(folder: string, inputs: string): Promise<boolean> {
  const checked = checkQemuBuild(folder, inputs);
  if (checked.state !== "ready") return false;
  for (const { name, sha256 } of checked.manifest.binaries) {
    if ((await fileDigest(join(folder, "bin", name))) !== sha256) return false;
  }
  return true;
}

function ensureBuildTools(): void {
  const missing = missingPackages(toBuildQemu, thisDistribution(), machineAt(process.env.PATH ?? ""));
  if (missing.length > 0) installPackages(missing, elevation());
}

function inputsOf(images: string): string {
  try {
    return qemuInputs(images);
  } catch (error) {
    throw new SetupError(`${images} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** One folder for each compiler too: libraries and code differ between distributions. */
function buildName(inputs: string, compiler: string): string {
  return qemuBuildPrefix(inputs) + createHash("sha256").update(compiler).digest("hex").slice(0, 8);
}

function compilerName(): string {
  const { stdout, status } = spawnSync("gcc", ["--version"], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (status !== 0) throw new SetupError("gcc does not start");
  return stdout.split("\n", 1)[0] ?? "";
}

function removeTree(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
