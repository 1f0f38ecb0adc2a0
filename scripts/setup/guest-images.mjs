/** Firmware and kernels that others wrote, from Debian's packages: the tests boot them as they are. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { debianArchitecture } from "./newer-qemu.mjs";
import { makeFolder, unpackPackages } from "./private-apt.mjs";
import { say } from "./say.mjs";

/** @typedef {import("./distribution.mjs").Distribution} Distribution */

/** Raised when what is put into the folder changes. */
const RECIPE = 2;

/**
 * What is unpacked where: packages for every architecture into `firmware`, kernels with a shell by architecture.
 *
 * @param {string} release
 */
function guests(release) {
  const own = debianArchitecture();
  return [
    { folder: "firmware", release, architecture: own, packages: ["u-boot-qemu"] },
    // Debian 12 was the last release that had it.
    { folder: "firmware", release: "bookworm", architecture: own, packages: ["firmware-microbit-micropython"] },
    ...["arm64", "amd64"].map((architecture) => ({
      folder: architecture,
      release,
      architecture,
      packages: [`linux-image-${architecture}`, "busybox-static"],
    })),
  ];
}

/** Of what the packages depend on, a guest needs the kernel itself. */
const isGuest = (/** @type {string} */ name) =>
  /^(linux-image-\d.*|busybox-static|u-boot-qemu|firmware-microbit-micropython)$/.test(name);

/**
 * Where the images of a distribution are kept: `firmware/`, `arm64/` and `amd64/`, each with the tree of its packages.
 * Undefined where the distribution has no such packages.
 *
 * @param {Distribution} distribution
 * @param {string} cache
 */
export function guestImagesFolder({ id, codename }, cache) {
  return id === "debian" && codename !== "" ? join(cache, "guests", `${codename}-${RECIPE}`) : undefined;
}

/**
 * @param {Distribution} distribution
 * @param {string} cache
 */
export function ensureGuestImages(distribution, cache) {
  const folder = guestImagesFolder(distribution, cache);
  if (folder === undefined) {
    say(`${distribution.title} has no packages of guests for other architectures: tests that boot them are skipped`);
    return;
  }
  if (existsSync(folder)) return;
  say(`fetching U-Boot, MicroPython and Linux for guests from Debian's packages into ${folder}`);
  makeFolder(folder, (fresh, work) => {
    for (const [index, { folder: name, ...set }] of guests(distribution.codename).entries()) {
      const target = join(fresh, name);
      mkdirSync(target, { recursive: true });
      unpackPackages({ ...set, isWanted: isGuest }, target, join(work, `${index}`));
      // Most of a kernel's size, and no use to guests without a disk.
      for (const modules of ["lib/modules", "usr/lib/modules"]) {
        rmSync(join(target, modules), { recursive: true, force: true });
      }
    }
  });
}
