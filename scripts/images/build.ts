/** `npm run images -- build`: images from Debian's packages, Node and our bundle. */
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { debianArchitecture } from "../setup/newer-qemu.mjs";
import { type DebianLock, type LockedPackages, lockedPackages, readLock } from "./debian-lock.ts";
import { fetchPackages } from "./debian-packages.ts";
import { definitions, type ImageName, USER_ID } from "./definition.ts";
import { farmQemuLayer } from "./farm-qemu-layer.ts";
import { type Layer, makeLayer } from "./layer.ts";
import { type Image, writeArchive } from "./oci-archive.ts";
import { nodeVersion, writeNode, writeProgram } from "./program.ts";

export interface ImagesPlace {
  readonly project: string;
  readonly cache: string;
  /** True leaves the farm's own QEMU out of the agent's image, as where it is not built. */
  readonly isStock?: boolean;
}

export interface BuiltImage {
  readonly name: ImageName;
  /** The name that the archive gives the image. */
  readonly reference: string;
  readonly file: string;
  /** Of the manifest. */
  readonly digest: string;
  /** Bytes of all compressed layers: what a registry keeps. */
  readonly bytes: number;
}

/** Raised when what a layer is made of changes by this code alone. */
const RECIPE = 1;

/** Registry in the name of an image that no registry has: nothing is ever pulled from it. */
const LOCAL = "localhost";

/** Makes an image, and its archive in a folder. */
export async function buildImage(place: ImagesPlace, name: ImageName, out: string): Promise<BuiltImage> {
  const image = await makeImage(place, name);
  const reference = `${LOCAL}/emufarm-${name}:${image.version}`;
  const file = join(out, `emufarm-${name}.tar`);
  const digest = await writeArchive(image, reference, file);
  return { name, reference, file, digest, bytes: image.layers.reduce((sum, { layer }) => sum + layer.bytes, 0) };
}

export async function makeImage(place: ImagesPlace, name: ImageName): Promise<Image> {
  const { project } = place;
  const lock = readLock(join(project, "images"));
  const { version, license } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
  const layers = [{ what: "Debian's C and C++ run-time, Node", layer: await baseLayer(place, lock) }];
  const packages = setOf(lock, name);
  if (packages !== undefined) {
    layers.push({ what: `Debian's packages of ${name}`, layer: await packagesLayer(place, lock, name) });
  }
  const qemu = name === "agent" && place.isStock !== true ? await farmQemuLayer(project, place.cache) : undefined;
  if (qemu) layers.push({ what: "the farm's own QEMU", layer: qemu });
  layers.push({ what: `emufarm ${name}`, layer: await programLayer(place, lock, name) });
  return { definition: definitions[name], version, license, layers };
}

/** All packages of Debian in an image. */
export function packagesOfImage(lock: DebianLock, name: ImageName): LockedPackages {
  return { ...lockedPackages(lock, "base", debianArchitecture()), ...setOf(lock, name) };
}

function setOf(lock: DebianLock, name: string): LockedPackages | undefined {
  return lock.sets[name] === undefined ? undefined : lockedPackages(lock, name, debianArchitecture());
}

async function baseLayer(place: ImagesPlace, lock: DebianLock): Promise<Layer> {
  const node = nodeVersion(place.project);
  return makeLayer(place.cache, { ...packagesKey(place, lock, "base"), node }, async (root) => {
    await unpack(place, lock, "base", root);
    writeNode(place.project, root);
    writeUsers(root);
  });
}

async function packagesLayer(place: ImagesPlace, lock: DebianLock, set: string): Promise<Layer> {
  return makeLayer(place.cache, packagesKey(place, lock, set), (root) => unpack(place, lock, set, root));
}

function packagesKey({ project }: ImagesPlace, lock: DebianLock, set: string) {
  const texts = ["unpack.sh", `${set}/keep`].map((file) => readFileSync(join(project, "images", file), "utf8"));
  return { recipe: RECIPE, set, texts, packages: setOf(lock, set) };
}

/** By the script that a Containerfile runs as well. */
async function unpack({ project, cache }: ImagesPlace, lock: DebianLock, set: string, root: string): Promise<void> {
  const packages = lockedPackages(lock, set, debianArchitecture());
  const files = await fetchPackages(packages, lock.release, cache);
  const images = join(project, "images");
  const folder = mkdtempSync(join(tmpdir(), "emufarm-image-"));
  try {
    for (const file of files.values()) copyFileSync(file, join(folder, basename(file)));
    await execa("sh", [join(images, "unpack.sh"), folder, join(images, set, "keep"), root], { env: { LC_ALL: "C" } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What a Containerfile takes from here into its own stages: `base` and `program` as they lie in the image, `folders` that
 * belong to its user, and `packages`, with a list for apt by set.
 */
export async function writeParts(
  { project }: Pick<ImagesPlace, "project">,
  name: ImageName,
  out: string,
): Promise<void> {
  const lock = readLock(join(project, "images"));
  const architecture = debianArchitecture();
  const definition = definitions[name];
  for (const part of ["base", "program", "folders", "packages"]) mkdirSync(join(out, part), { recursive: true });
  writeNode(project, join(out, "base"));
  writeUsers(join(out, "base"));
  const packages = packagesOfImage(lock, name);
  await writeProgram({ project, definition, packages, architecture, root: join(out, "program") });
  for (const folder of definition.folders) mkdirSync(join(out, "folders", folder), { recursive: true });
  for (const set of ["base", name]) {
    const wanted = Object.entries(setOf(lock, set) ?? {}).map(([one, { version }]) => `${one}=${version}\n`);
    writeFileSync(join(out, "packages", set), wanted.join(""));
  }
}

/** Programs ask for the name of who runs them. */
function writeUsers(root: string): void {
  mkdirSync(join(root, "etc"), { recursive: true });
  const user = `emufarm:x:${USER_ID}:${USER_ID}:emufarm:/:/usr/sbin/nologin`;
  writeFileSync(join(root, "etc/passwd"), `root:x:0:0:root:/root:/usr/sbin/nologin\n${user}\n`);
  writeFileSync(join(root, "etc/group"), `root:x:0:\nemufarm:x:${USER_ID}:\n`);
}

/** Made each time: bundling takes less than finding out whether it must be done. */
async function programLayer(place: ImagesPlace, lock: DebianLock, name: ImageName): Promise<Layer> {
  const definition = definitions[name];
  const work = mkdtempSync(join(tmpdir(), "emufarm-program-"));
  try {
    const root = join(work, "root");
    mkdirSync(root);
    const facts = { project: place.project, packages: packagesOfImage(lock, name), architecture: debianArchitecture() };
    await writeProgram({ ...facts, definition, root });
    const key = { recipe: RECIPE, content: contentDigest(root) };
    const fill = async (fresh: string) => void (await execa("cp", ["--archive", `${root}/.`, fresh]));
    return await makeLayer(place.cache, key, fill, definition.folders);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function contentDigest(folder: string): string {
  const hash = createHash("sha256");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update(file.slice(folder.length)).update("\0").update(readFileSync(file));
  return hash.digest("hex");
}
