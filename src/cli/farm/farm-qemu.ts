import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Raised when the way of building changes: what was built in another way is then left alone and not used. */
export const RECIPE = 1;

/** What a folder with a build of the farm's own QEMU says about itself, in its `manifest.json`. */
export interface QemuManifest {
  readonly recipe: number;
  /** Digest of what it was built from: see {@link qemuInputs}. */
  readonly inputs: string;
  /** Version of Debian's source package. */
  readonly version: string;
  readonly compiler: string;
  readonly binaries: readonly QemuBinary[];
}

interface QemuBinary {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A build that fits the present sources, or why there is none to be used. */
export type FarmQemu =
  | { readonly state: "ready"; readonly folder: string; readonly manifest: QemuManifest }
  | { readonly state: "absent" }
  | { readonly state: "refused"; readonly problem: string };

/** Where the builds of this cache folder lie, one folder each. */
export function qemuBuildsFolder(cache: string): string {
  return join(cache, "qemu", "farm");
}

/** The name that builds from these inputs begin with; compiler and host follow. */
export function qemuBuildPrefix(inputs: string): string {
  return `${process.arch}-${inputs.slice(0, 16)}-`;
}

/**
 * A digest of everything in `images/qemu` that goes into a build: pinned sources, patches in their order, flags,
 * devices.
 */
export function qemuInputs(images: string): string {
  const hash = createHash("sha256").update(`${RECIPE}\0`);
  const patches = qemuPatches(images).map((name) => `patches/${name}`);
  const devices = readdirSync(join(images, "devices")).sort();
  const files = ["source.json", "configure-flags", ...patches, ...devices.map((name) => `devices/${name}`)];
  for (const file of files) {
    const content = readFileSync(join(images, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** Our patches in the order in which they are applied. */
export function qemuPatches(images: string): string[] {
  return readFileSync(join(images, "patches/series"), "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}

/**
 * Looks for a build from the present sources. Cheap enough for each start: it compares what the sources are, and the
 * sizes of the programs.
 */
export function findFarmQemu(cache: string, images: string): FarmQemu {
  const builds = namesIn(qemuBuildsFolder(cache)).filter((name) => /^\w+-[0-9a-f]{16}-[0-9a-f]{8}$/.test(name));
  // No build at all is the common case: nothing else is read then.
  if (builds.length === 0) return { state: "absent" };
  const inputs = readableInputs(images);
  if (inputs === undefined)
    return { state: "refused", problem: `the sources of the farm's QEMU, ${images}, cannot be read` };
  const fitting = builds
    .filter((name) => name.startsWith(qemuBuildPrefix(inputs)))
    .map((name) => join(qemuBuildsFolder(cache), name))
    .toSorted((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs);
  const [folder] = fitting;
  if (folder === undefined) {
    const problem = `the farm's QEMU in ${qemuBuildsFolder(cache)} was built from other sources than ${images} has now`;
    return { state: "refused", problem };
  }
  return checkQemuBuild(folder, inputs);
}

/** Whether a folder holds what its manifest says, built from these inputs. */
export function checkQemuBuild(folder: string, inputs: string): FarmQemu {
  const manifest = readManifest(folder);
  if (manifest === undefined) return { state: "refused", problem: `the manifest of ${folder} cannot be read` };
  if (manifest.recipe !== RECIPE || manifest.inputs !== inputs) {
    const actual = `its manifest has digest ${manifest.inputs}, expected ${inputs}`;
    return { state: "refused", problem: `${folder} was built from other sources: ${actual}` };
  }
  const broken = manifest.binaries.find(({ name, bytes }) => sizeOf(join(folder, "bin", name)) !== bytes);
  if (broken === undefined) return { state: "ready", folder, manifest };
  const size = sizeOf(join(folder, "bin", broken.name));
  const actual = size === undefined ? "is missing" : `has ${size} bytes, expected ${broken.bytes}`;
  return { state: "refused", problem: `${folder} is not as it was built: ${broken.name} ${actual}` };
}

function readableInputs(images: string): string | undefined {
  try {
    return qemuInputs(images);
  } catch {
    // No sources here, or a series that names a patch which is not there: the caller says so.
    return undefined;
  }
}

function readManifest(folder: string): QemuManifest | undefined {
  try {
    const value: Partial<QemuManifest> = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
    return typeof value.inputs === "string" && Array.isArray(value.binaries) ? (value as QemuManifest) : undefined;
  } catch {
    // Missing or no JSON: the caller says that it cannot be read.
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Nothing was ever built here.
    return [];
  }
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}
