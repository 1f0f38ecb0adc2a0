import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { buildImage, packagesOfImage } from "../../scripts/images/build.ts";
import { readLock } from "../../scripts/images/debian-lock.ts";
import { definitions, IMAGE_NAMES, type ImageName } from "../../scripts/images/definition.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import { debianArchitecture } from "../../scripts/setup/newer-qemu.mjs";
import { findFarmQemu } from "../../src/cli/farm/farm-qemu.ts";
import { type UnpackedImage, unpackImage } from "./unpacked-image.ts";

const MAX_AGENT_BYTES = 140e6;
const LAYERS_TAKE_MS = 600_000;
const TRIPLET = debianArchitecture() === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
const LOADER = debianArchitecture() === "arm64" ? "ld-linux-aarch64.so.1" : "ld-linux-x86-64.so.2";

const hasApt = existsSync("/usr/lib/apt/apt-helper");
const names = IMAGE_NAMES.filter((name) => existsSync(join(projectFolder, definitions[name].entryPoint)));

let folder = "";
const images = new Map<ImageName, UnpackedImage>();
beforeAll(async () => {
  if (!hasApt) return;
  folder = mkdtempSync(join(tmpdir(), "images-"));
  for (const name of names) {
    const built = await buildImage({ project: projectFolder, cache: ownCacheFolder() }, name, folder);
    images.set(name, await unpackImage(built, join(folder, name)));
  }
}, LAYERS_TAKE_MS);
afterAll(() => {
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});
beforeEach((context) => {
  if (!hasApt) context.skip("this system has no apt, which Debian's packages are fetched by");
});

const imageOf = (name: ImageName) => {
  const image = images.get(name);
  if (image === undefined) throw new Error(`${name} was not built`);
  return image;
};
const filesOf = (root: string) => readdirSync(root, { recursive: true, withFileTypes: true });

describe.each(names)("the image %s", (name) => {
  test("runs as nobody in particular, and tells what it is", () => {
    const { config } = imageOf(name).config;
    expect(config.User).toBe("65532:65532");
    expect(config.Entrypoint).toEqual(["/usr/bin/node", "/opt/emufarm/dist/main.js"]);
    expect(config.ExposedPorts).toEqual({ "8080/tcp": {} });
    expect(config.Labels).toMatchObject({
      "org.opencontainers.image.title": definitions[name].title,
      "org.opencontainers.image.licenses": "Apache-2.0",
    });
  });

  test("has no link that leads nowhere, nothing that runs as somebody else, and no shell", () => {
    const { root } = imageOf(name);
    const entries = filesOf(root);
    const links = entries.filter((entry) => entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name));
    const inImage = (link: string) => {
      const target = readlinkSync(link);
      return target.startsWith("/") ? join(root, target) : resolve(dirname(link), target);
    };
    expect(links.filter((link) => !existsSync(inImage(link)))).toEqual([]);
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(files.filter((file) => (statSync(file).mode & 0o6022) !== 0)).toEqual([]);
    expect(files.filter((file) => /\/(sh|bash|dash|busybox|apt|dpkg)$/.test(file))).toEqual([]);
  });

  test("has every library that its programs need", async () => {
    const { root } = imageOf(name);
    const loader = join(root, "usr/lib", TRIPLET, LOADER);
    for (const program of readdirSync(join(root, "usr/bin"))) {
      const args = ["--inhibit-cache", "--library-path", join(root, "usr/lib", TRIPLET), "--list"];
      const { stdout } = await execa(loader, [...args, join(root, "usr/bin", program)], { reject: false });
      const libraries = [...stdout.matchAll(/=> (\S+)/g)].map(([, path]) => path);
      expect(libraries.length, program).toBeGreaterThan(0);
      expect(
        libraries.filter((path) => !path?.startsWith(root)),
        program,
      ).toEqual([]);
    }
  });

  test("lists all its parts, with the licence of each package", () => {
    const { root } = imageOf(name);
    const bill = JSON.parse(readFileSync(join(root, `usr/share/sbom/emufarm-${name}.cdx.json`), "utf8"));
    const listed = bill.components.map((one: { name: string }) => one.name);
    const packages = Object.keys(packagesOfImage(readLock(join(projectFolder, "images")), name));
    expect(listed).toEqual(expect.arrayContaining([...packages, "node", "zod"]));
    for (const one of packages) {
      expect(readFileSync(join(root, "var/lib/dpkg/status.d", one), "utf8")).toContain(`Package: ${one}\n`);
      expect(existsSync(join(root, "usr/share/doc", one, "copyright")), one).toBe(true);
    }
    expect(readFileSync(join(root, "usr/share/doc/emufarm/copyright"), "utf8")).toContain("Apache License");
  });
});

test("the agent's image has the emulator of every board, and is no larger than promised", () => {
  const { root, bytes } = imageOf("agent");
  const boards = readdirSync(join(projectFolder, "manifests/boards")).map(
    (file) => parse(readFileSync(join(projectFolder, "manifests/boards", file), "utf8")).spec.emulator.binary,
  );
  const programs = readdirSync(join(root, "usr/bin"));
  expect(boards.filter((binary) => !programs.includes(binary))).toEqual([]);
  expect(bytes).toBeLessThanOrEqual(MAX_AGENT_BYTES);
});

test("the agent's image has the farm's own QEMU where it is built, with its licence and sources", async (context) => {
  const found = findFarmQemu(ownCacheFolder(), join(projectFolder, "images/qemu"));
  if (found.state !== "ready") return context.skip("npm run qemu has not built it");
  const { root, config } = imageOf("agent");
  const folder = config.config.Env.find((one: string) => one.startsWith("EMUFARM_QEMU_PATH="))?.split("=")[1] ?? "";
  const library = join(root, "usr/lib", TRIPLET);
  const args = ["--inhibit-cache", "--library-path", library];
  for (const { name, sha256 } of found.manifest.binaries) {
    const program = join(root, folder, name);
    expect(createHash("sha256").update(readFileSync(program)).digest("hex")).toBe(sha256);
    // With the image's own libraries, and nothing of this system.
    const { stdout } = await execa(join(library, LOADER), [...args, program, "--version"]);
    expect(stdout).toContain("QEMU emulator version");
    const { stdout: libraries } = await execa(join(library, LOADER), [...args, "--list", program]);
    const paths = [...libraries.matchAll(/=> (\S+)/g)].map(([, path]) => path);
    expect(paths.filter((path) => !path?.startsWith(root))).toEqual([]);
  }
  const docs = join(root, "usr/share/doc/emufarm-qemu");
  expect(readFileSync(join(docs, "COPYING"), "utf8")).toContain("GNU GENERAL PUBLIC LICENSE");
  const readme = readFileSync(join(docs, "README.md"), "utf8");
  expect(readme).toContain("snapshot.debian.org");
  expect(readme).not.toContain(ownCacheFolder());
  for (const patch of readFileSync(join(docs, "patches/series"), "utf8").match(/^[^#\s]+/gm) ?? []) {
    expect(existsSync(join(docs, "patches", patch)), patch).toBe(true);
  }
  return undefined;
});

test.each(names)(
  "two builds of %s have one digest, whatever was in the cache and wherever it lies",
  async (name) => {
    const cache = join(folder, `another cache of ${name}`);
    mkdirSync(join(cache, "images"), { recursive: true });
    // What is downloaded and compiled, not what is made of it.
    for (const source of ["images/packages", "qemu"]) symlinkSync(join(ownCacheFolder(), source), join(cache, source));
    const again = await buildImage({ project: projectFolder, cache }, name, join(folder, "again"));
    const once = await buildImage({ project: projectFolder, cache: ownCacheFolder() }, name, join(folder, "once"));
    expect(again.digest).toBe(once.digest);
    expect(readFileSync(again.file).equals(readFileSync(once.file))).toBe(true);
  },
  LAYERS_TAKE_MS,
);
