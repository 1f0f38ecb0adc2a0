/** The part of an image that is ours: one program with all that it imports, its licences, and the list of all parts. */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build, type Metafile } from "esbuild";
import { bundleOptions } from "../bundle-options.mjs";
import { SetupError } from "../setup/say.mjs";
import { billOfMaterials, type NpmPackage } from "./bill-of-materials.ts";
import type { LockedPackages } from "./debian-lock.ts";
import { type ImageDefinition, PROGRAM_FOLDER } from "./definition.ts";

const DOCS_FOLDER = "usr/share/doc/emufarm";
const SBOM_FOLDER = "usr/share/sbom";
const LICENCE_FILES = /^(licen[cs]e|copying|notice|copyright)(\.|-|$)/i;

/** Native code that what we bundle does without. */
const LEFT_OUT = ["msgpackr-extract"];

export interface ProgramPlace {
  readonly project: string;
  readonly definition: ImageDefinition;
  /** Debian's packages in the image, for the list of its parts. */
  readonly packages: LockedPackages;
  readonly architecture: string;
  /** Gets the files as they lie in the image. */
  readonly root: string;
}

/** Writes an image's program and what is told about the image. */
export async function writeProgram(place: ProgramPlace): Promise<void> {
  const { project, definition, root } = place;
  if (!existsSync(join(project, definition.entryPoint))) {
    throw new SetupError(`${definition.entryPoint} is not there: the image ${definition.name} cannot be made`);
  }
  const program = join(root, PROGRAM_FOLDER);
  const { metafile } = await build({
    ...bundleOptions,
    absWorkingDir: project,
    entryPoints: { main: definition.entryPoint },
    outdir: join(program, "dist"),
    external: LEFT_OUT,
    metafile: true,
  });
  const { version, license } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
  const facts = { name: `emufarm-${definition.name}`, version, type: "module", license };
  writeFileSync(join(program, "package.json"), `${JSON.stringify(facts, null, 2)}\n`);
  for (const [from, to] of Object.entries(definition.files)) {
    cpSync(join(project, from), join(program, to), { recursive: true });
  }
  const npmPackages = packagesOf(metafile, project);
  copyLicences(project, npmPackages, join(root, DOCS_FOLDER));
  mkdirSync(join(root, SBOM_FOLDER), { recursive: true });
  const bill = billOfMaterials({ ...place, npmPackages, node: nodeVersion(project), version, license });
  writeFileSync(join(root, SBOM_FOLDER, `${facts.name}.cdx.json`), `${JSON.stringify(bill, null, 2)}\n`);
  makeReadable(root);
}

/** Node as npm installed it for this machine, which is put beside the C++ run-time that it needs. */
export function writeNode(project: string, root: string): void {
  const from = nodePackage(project);
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  mkdirSync(join(root, "usr/share/doc/node"), { recursive: true });
  cpSync(join(from, "bin/node"), join(root, "usr/bin/node"));
  chmodSync(join(root, "usr/bin/node"), 0o755);
  cpSync(join(from, "LICENSE"), join(root, "usr/share/doc/node/copyright"));
  chmodSync(join(root, "usr/share/doc/node/copyright"), 0o644);
}

export function nodeVersion(project: string): string {
  return JSON.parse(readFileSync(join(nodePackage(project), "package.json"), "utf8")).version;
}

function nodePackage(project: string): string {
  return join(project, "node_modules", `node-linux-${process.arch}`);
}

/** Packages of npm that a bundle has a file of. */
function packagesOf(metafile: Metafile, project: string): NpmPackage[] {
  const folders = new Set<string>();
  for (const input of Object.keys(metafile.inputs)) {
    const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (folder !== undefined) folders.add(folder);
  }
  const packages = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(project, folder, "package.json"), "utf8"));
    return { name, version, license: typeof license === "string" ? license : license?.type, folder };
  });
  const keyOf = ({ name, version }: NpmPackage) => `${name}@${version}`;
  return packages.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function copyLicences(project: string, packages: readonly NpmPackage[], folder: string): void {
  mkdirSync(folder, { recursive: true });
  cpSync(join(project, "LICENSE"), join(folder, "copyright"));
  for (const { name, version, folder: from } of packages) {
    for (const file of readdirSync(join(project, from)).filter((one) => LICENCE_FILES.test(one))) {
      const to = join(folder, "npm", `${name}@${version}`, file);
      mkdirSync(dirname(to), { recursive: true });
      cpSync(join(project, from, file), to, { recursive: true });
    }
  }
}

/** Whatever umask and modes the checkout has. */
function makeReadable(path: string): void {
  const isFolder = statSync(path).isDirectory();
  chmodSync(path, isFolder ? 0o755 : 0o644);
  if (isFolder) for (const name of readdirSync(path)) makeReadable(join(path, name));
}
