/** Firmware and kernels that others wrote, from Debian's packages: the tests boot them as they are. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { debianArchitecture } from "./newer-qemu.mjs";
import { makeFolder, unpackPackages } from "./private-apt.mjs";
import { say } from "./say.mjs";

/** @typedef {import("./distribution.mjs").Distribution} Distribution */

/** Raised when what is put into the folder changes. */
const RECIPE = 1;

/** What is unpacked for guests of an architecture; `firmware` are packages for every architecture. */
const GUESTS = {
  firmware: {
    packages: ["firmware-microbit-micropython", "u-boot-qemu"],
    isWanted: (/** @type {string} */ name) => /^(firmware-microbit-micropython|u-boot-qemu)$/.test(name),
  },
  arm64: {
    packages: ["linux-image-arm64", "busybox-static"],
    isWanted: (/** @type {string} */ name) => /^(linux-image-\d.*|busybox-static)$/.test(name),
  },
  amd64: {
    packages: ["linux-image-amd64", "busybox-static"],
    isWanted: (/** @type {string} */ name) => /^(linux-image-\d.*|busybox-static)$/.test(name),
  },
};

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
    for (const [name, guest] of Object.entries(GUESTS)) {
      mkdirSync(join(fresh, name));
      const architecture = name === "firmware" ? debianArchitecture() : name;
      unpackPackages({ release: distribution.codename, architecture, ...guest }, join(fresh, name), join(work, name));
      // Most of a kernel's size, and no use to guests without a disk.
      for (const modules of ["lib/modules", "usr/lib/modules"]) {
        rmSync(join(fresh, name, modules), { recursive: true, force: true });
      }
    }
  });
}
