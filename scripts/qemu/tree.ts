/** The tree that is compiled: Debian's source with Debian's patches, then ours, and our lists of devices. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { qemuPatches } from "../../src/cli/farm/farm-qemu.ts";
import { makeFolder } from "../setup/private-apt.mjs";
import { SetupError } from "../setup/say.mjs";
import type { FetchedSource } from "./source.ts";
import type { Steps } from "./steps.ts";

/** Unpacks and patches into a folder that appears whole or not at all; where it exists, nothing is done. */
export function makeTree(folder: string, fetched: FetchedSource, images: string, { tell }: Steps): void {
  if (existsSync(folder)) return;
  tell("unpacking the sources");
  makeFolder(folder, (fresh) => {
    run("tar", ["-xf", fetched.upstream, "--strip-components=1", "--no-same-owner", "-C", fresh]);
    run("tar", ["-xf", fetched.debian, "--no-same-owner", "-C", fresh]);
    const debian = join(fresh, "debian/patches");
    const ours = qemuPatches(images).map((name) => join(images, "patches", name));
    tell(`applying Debian's patches and ${ours.length} of ours`);
    for (const patch of [...debianPatches(debian), ...ours]) applyPatch(fresh, patch);
    for (const list of readdirSync(join(images, "devices"))) {
      const configuration = join(fresh, "configs/devices", `${list.replace(/\.mak$/, "")}-softmmu`);
      mkdirSync(configuration, { recursive: true });
      copyFileSync(join(images, "devices", list), join(configuration, "farm.mak"));
    }
  });
}

/** Meson as Debian packages it: the one of an older distribution is too old for QEMU. */
export function makeMeson(folder: string, fetched: FetchedSource): string {
  makeFolder(folder, (fresh) => run("dpkg-deb", ["-x", fetched.meson, fresh]));
  return join(folder, "usr/lib/python3/dist-packages");
}

function debianPatches(folder: string): string[] {
  const series = readFileSync(join(folder, "series"), "utf8").split("\n");
  return series
    .map((line) => line.replace(/#.*/, "").trim().split(/\s+/)[0] ?? "")
    .filter((name) => name !== "")
    .map((name) => join(folder, name));
}

function applyPatch(tree: string, patch: string): void {
  const args = ["-p1", "--batch", "--forward", "--fuzz=0", "--silent", "--no-backup-if-mismatch", "-i", patch];
  const { status, stdout } = spawnSync("patch", args, { cwd: tree, encoding: "utf8" });
  if (status !== 0) throw new SetupError(`${basename(patch)} does not apply: ${stdout.trim().replaceAll("\n", "; ")}`);
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status === 0) return;
  throw new SetupError(`${program} ${args.join(" ")} failed: ${error?.message ?? stderr.trim()}`);
}
