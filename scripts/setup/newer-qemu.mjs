/** The QEMU of Debian's backports in a folder of its own, for boards that the distribution's is too old for. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { arch } from "node:process";
import { makeFolder, unpackPackages } from "./private-apt.mjs";
import { SetupError, say } from "./say.mjs";

/** @typedef {import("./distribution.mjs").Distribution} Distribution */

/** Least version that has every board of manifests/boards. */
const WANTED_MAJOR = 10;

/** Raised when what is put into the folder changes: an older folder is then left alone and not used. */
const RECIPE = 1;

const EMULATORS = /^qemu-system-(arm|aarch64|riscv32|riscv64|avr|x86_64|xtensa)$/;
const PACKAGES = [
  "qemu-system-arm",
  "qemu-system-misc",
  "qemu-system-riscv",
  "qemu-system-x86",
  "opensbi",
  "ipxe-qemu",
];

/** Taken from the system: the loader of its C library must fit the library, and every program needs them anyway. */
const OF_THE_SYSTEM = new Set(["libc6", "libc-bin", "libgcc-s1", "libcrypt1", "libselinux1", "libpam-modules"]);

/**
 * The architecture in Debian's words.
 *
 * @returns {"amd64" | "arm64"}
 */
export function debianArchitecture() {
  return arch === "arm64" ? "arm64" : "amd64";
}

/**
 * Where the newer QEMU of a distribution is kept, or undefined where there is none to be had.
 *
 * @param {Distribution} distribution
 * @param {string} cache
 */
export function newerQemuFolder({ id, codename }, cache) {
  if (id !== "debian" || codename !== "bookworm") return undefined;
  return join(cache, "qemu", `${codename}-backports-${debianArchitecture()}-${RECIPE}`);
}

/**
 * What has to be done for an emulator that is new enough.
 *
 * @param {string | undefined} versionText what `qemu-system-arm --version` prints
 * @param {string | undefined} folder where a newer one is kept or may be put
 * @returns {"none" | "fetch" | "skip"}
 */
export function newerQemuPlan(versionText, folder) {
  const major = Number(/version (\d+)\./.exec(versionText ?? "")?.[1] ?? 0);
  if (major >= WANTED_MAJOR) return "none";
  return folder === undefined ? "skip" : "fetch";
}

/**
 * Sees to a QEMU that has every board: the distribution's own, or one from the backports.
 *
 * @param {Distribution} distribution
 * @param {string} cache
 */
export function ensureNewerQemu(distribution, cache) {
  const folder = newerQemuFolder(distribution, cache);
  if (folder !== undefined && existsSync(folder)) return;
  const { stdout } = spawnSync("qemu-system-arm", ["--version"], { encoding: "utf8" });
  const plan = newerQemuPlan(stdout ?? undefined, folder);
  if (plan === "none") return;
  if (plan === "skip" || folder === undefined) {
    say(`${distribution.title} has an older QEMU and no newer one to add: tests of boards that need it are skipped`);
    return;
  }
  say(`fetching QEMU from ${distribution.codename}-backports into ${folder}`);
  makeFolder(folder, (fresh, work) => {
    const set = {
      release: distribution.codename,
      targetRelease: `${distribution.codename}-backports`,
      architecture: debianArchitecture(),
      packages: PACKAGES,
      isWanted: (/** @type {string} */ name) =>
        /^(lib|qemu-system-|seabios|opensbi|ipxe-qemu)/.test(name) && !OF_THE_SYSTEM.has(name),
    };
    unpackPackages(set, fresh, work);
    dropWhatNobodyReads(fresh);
    wrapEmulators(fresh, folder);
  });
  const check = spawnSync(join(folder, "usr/bin/qemu-system-arm"), ["--version"], { encoding: "utf8" });
  if (newerQemuPlan(check.stdout ?? "", folder) !== "none") {
    rmSync(folder, { recursive: true, force: true });
    throw new SetupError(`the QEMU from the backports does not start: ${check.stderr ?? check.error?.message ?? ""}`);
  }
}

function dropWhatNobodyReads(/** @type {string} */ folder) {
  for (const path of ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/lib/systemd"]) {
    rmSync(join(folder, path), { recursive: true, force: true });
  }
}

/**
 * Puts a script in the place of each emulator that shows it the libraries, modules and firmware beside it: Debian's
 * builds look for them in /usr, where those of another version may lie.
 *
 * @param {string} fresh folder to work in
 * @param {string} folder the same folder as it will be called
 */
function wrapEmulators(fresh, folder) {
  const triplet = debianArchitecture() === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const libraries = [`${folder}/usr/lib/${triplet}`, `${folder}/lib/${triplet}`].join(":");
  const data = ["usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu"].map((path) => `-L '${folder}/${path}'`);
  mkdirSync(join(fresh, "usr/libexec"), { recursive: true });
  for (const name of readdirSync(join(fresh, "usr/bin"))) {
    const program = join(fresh, "usr/bin", name);
    if (!EMULATORS.test(name)) {
      rmSync(program);
      continue;
    }
    renameSync(program, join(fresh, "usr/libexec", name));
    const script = `#!/bin/sh
export QEMU_MODULE_DIR='${folder}/usr/lib/${triplet}/qemu'
export LD_LIBRARY_PATH='${libraries}'
exec '${folder}/usr/libexec/${name}' ${data.join(" ")} "$@"
`;
    writeFileSync(program, script);
    chmodSync(program, 0o755);
  }
}
