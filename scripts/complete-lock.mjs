/**
 * Completes package-lock.json by hand-run after a dependency was added: `node scripts/complete-lock.mjs`.
 *
 * A registry mirror that holds the builds for Linux only makes npm leave those for other systems out of the lock file,
 * and then refuse that very file in `npm ci`. They are entered by name and version; npm installs none of them on Linux.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { projectFolder } from "./setup/folders.mjs";

/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {boolean} [optional]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {string[]} [os]
 * @property {string[]} [cpu]
 * @property {string[]} [libc]
 */

const SYSTEMS = new Set(["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "win32"]);
const PROCESSORS = new Set(["arm", "arm64", "ia32", "loong64", "ppc64", "riscv64", "s390x", "wasm32", "x64"]);

/**
 * The builds for other systems that the lock file does not hold, as entries for it.
 *
 * @param {Record<string, LockedPackage>} packages
 * @returns {[path: string, entry: LockedPackage][]}
 */
export function missingBuilds(packages) {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages))
      .map(
        ([name, version]) => /** @type {[string, LockedPackage]} */ ([`node_modules/${name}`, build(name, version)]),
      ),
  );
}

/**
 * @param {string} name such as `@biomejs/cli-linux-x64-musl`
 * @param {string} version
 * @returns {LockedPackage}
 */
function build(name, version) {
  const words = name.split(/[-/]/);
  const os = words.filter((word) => SYSTEMS.has(word));
  const cpu = words.filter((word) => PROCESSORS.has(word));
  const libc = words.flatMap((word) => (/^gnu/.test(word) ? ["glibc"] : /^musl/.test(word) ? ["musl"] : []));
  if (os.length !== 1 || !/^\d/.test(version)) throw new Error(`${name} ${version} is not a build for one system`);
  return { version, ...(cpu.length > 0 && { cpu }), ...(libc.length > 0 && { libc }), optional: true, os };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(projectFolder, "package-lock.json");
  const lock = JSON.parse(readFileSync(file, "utf8"));
  const missing = missingBuilds(lock.packages);
  const byPath = Object.entries({ ...lock.packages, ...Object.fromEntries(missing) });
  lock.packages = Object.fromEntries(byPath.sort(([a], [b]) => a.localeCompare(b, "en")));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`${missing.length} builds entered\n`);
}
