/** What a build leaves: programs, the licence with the way to the sources, and a manifest. */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type QemuManifest, RECIPE } from "../../src/cli/farm/farm-qemu.ts";
import { makeFolder } from "../setup/private-apt.mjs";
import { SetupError } from "../setup/say.mjs";
import { type Compilation, targetsOf } from "./compile.ts";
import { fileDigest } from "./digest.ts";
import type { QemuSource } from "./source.ts";

const LICENCES = ["LICENSE", "COPYING", "COPYING.LIB"];

export interface FinishedBuild extends Pick<QemuManifest, "inputs" | "compiler"> {
  readonly folder: string;
  readonly images: string;
  readonly source: QemuSource;
  readonly compilation: Compilation;
}

/** Puts a finished build where it is used from: whole or not at all, and readable for every user. */
export async function finish(build: FinishedBuild): Promise<void> {
  const programs = targetsOf(build.compilation.flags).map((target) => `qemu-system-${target}`);
  for (const name of programs) strip(join(build.compilation.build, name));
  const manifest: QemuManifest = {
    recipe: RECIPE,
    inputs: build.inputs,
    version: build.source.version,
    compiler: build.compiler,
    binaries: await Promise.all(programs.map((name) => describe(name, join(build.compilation.build, name)))),
  };
  makeFolder(build.folder, (fresh) => {
    mkdirSync(join(fresh, "bin"));
    for (const name of programs) copyFileSync(join(build.compilation.build, name), join(fresh, "bin", name));
    copySources(build, join(fresh, "source"));
    writeFileSync(join(fresh, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    makeReadable(fresh);
  });
  // The folder of all builds as well, whatever the umask is.
  for (const folder of [dirname(build.folder), dirname(dirname(build.folder))]) chmodSync(folder, 0o755);
}

/** The patches, the flags and the licence go with the programs; Debian's part is named, and lies in the cache. */
function copySources({ images, compilation, source }: FinishedBuild, folder: string): void {
  mkdirSync(folder);
  for (const name of ["patches", "devices", "configure-flags", "source.json"]) {
    cpSync(join(images, name), join(folder, name), { recursive: true });
  }
  for (const name of LICENCES) copyFileSync(join(compilation.tree, name), join(folder, name));
  const files = Object.entries(source.files).map(
    ([role, { path, sha256 }]) => `- ${basename(path)} (${role}), SHA-256 ${sha256}`,
  );
  writeFileSync(
    join(folder, "README.md"),
    `# Where these programs come from

QEMU is free software under the GNU General Public License, version 2 (COPYING; LICENSE says what holds for which part).
The programs in ../bin are made from Debian's source package qemu ${source.version} of ${source.release}, which every Debian
mirror has (\`apt-get source qemu\`):

${files.join("\n")}

Where they were built, these files lie in the cache's \`qemu/sources\`. Debian's own patches are in the second one; those in
\`patches/\`, in the order of \`patches/series\`, are applied after them. \`devices/*.mak\` are put into
\`configs/devices/*-softmmu/farm.mak\`, and \`configure-flags\` are the arguments of \`configure\`. All of this, and the
program that builds it (\`npm run qemu\`), is in emufarm's repository. Whoever passes these programs on passes this on too.
`,
  );
}

function strip(program: string): void {
  const { status, stderr, error } = spawnSync("strip", ["--strip-all", program], { encoding: "utf8" });
  if (status !== 0) throw new SetupError(`strip ${basename(program)} failed: ${error?.message ?? stderr.trim()}`);
}

async function describe(name: string, file: string): Promise<QemuManifest["binaries"][number]> {
  return { name, bytes: statSync(file).size, sha256: await fileDigest(file) };
}

/** Emulators are started under users of their own. */
function makeReadable(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) makeReadable(path);
    else chmodSync(path, basename(folder) === "bin" ? 0o755 : 0o644);
  }
}
