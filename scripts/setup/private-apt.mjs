/**
 * apt with a root of its own: packages are fetched and unpacked into a folder. The system's package database, lists,
 * sources and architectures stay as they are; its proxies and keys are used.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { mirrorOf, systemSources } from "./apt-sources.mjs";
import { thisDistribution } from "./distribution.mjs";
import { SetupError } from "./say.mjs";

const LEFTOVER_MS = 60 * 60 * 1000;
const DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * @typedef {object} PackageSet
 * @property {string} release codename, such as bookworm
 * @property {string} [targetRelease] suite that is preferred, such as bookworm-backports
 * @property {string} architecture Debian's name, such as amd64
 * @property {readonly string[]} packages
 * @property {(packageName: string) => boolean} isWanted which of the packages and their dependencies are unpacked
 * @property {boolean} [hasSources] whether source packages are wanted as well
 */

/**
 * Makes a folder from the contents of packages, by a function that gets a fresh folder and fills it. The folder
 * appears whole or not at all, and readable for everybody; where it exists, nothing is done.
 *
 * @param {string} folder
 * @param {(fresh: string, work: string) => void} fill
 */
export function makeFolder(folder, fill) {
  if (existsSync(folder)) return;
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  dropLeftovers(folder);
  const work = mkdtempSync(`${folder}.`);
  try {
    const fresh = join(work, "new");
    mkdirSync(fresh);
    chmodSync(work, 0o755);
    fill(fresh, work);
    if (!existsSync(folder)) renameSync(fresh, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A set-up that was killed leaves its work behind; one that is at work now is younger. */
function dropLeftovers(/** @type {string} */ folder) {
  for (const name of readdirSync(dirname(folder)).filter((one) => one.startsWith(`${basename(folder)}.`))) {
    const path = join(dirname(folder), name);
    if (Date.now() - statSync(path).mtimeMs > LEFTOVER_MS) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * Fetches packages with what they depend on, and unpacks those that are wanted.
 *
 * @param {PackageSet} set
 * @param {string} folder where to
 * @param {string} work folder for apt's lists and files
 */
export function unpackPackages(set, folder, work) {
  const apt = privateApt(set, join(work, "apt"));
  apt.run(["update"]);
  const target = set.targetRelease === undefined ? [] : ["-t", set.targetRelease];
  const plan = apt.run(["install", "--simulate", "--yes", ...target, ...set.packages]);
  const wanted = plannedPackages(plan).filter(({ name }) => set.isWanted(name));
  if (wanted.length === 0) throw new SetupError(`apt found nothing to fetch for ${set.packages.join(", ")}`);
  apt.run(["download", ...wanted.map(({ name, version }) => `${name}:${set.architecture}=${version}`)]);
  for (const file of readdirSync(apt.downloads).filter((name) => name.endsWith(".deb"))) {
    runProgram("dpkg-deb", ["-x", join(apt.downloads, file), folder], apt.downloads);
  }
}

/**
 * Packages in what `apt-get install --simulate` prints: lines such as `Inst libslirp0 (4.7.0-1 Debian:12.11/stable
 * [amd64])`.
 *
 * @param {string} plan
 */
export function plannedPackages(plan) {
  return [...plan.matchAll(/^Inst (\S+?)(?::\S+)? (?:\[[^\]]*\] )?\((\S+) .*\[(\S+)\]/gm)].map(
    ([, name = "", version = "", architecture = ""]) => ({ name, version, architecture }),
  );
}

/**
 * An apt that leaves the system's alone: lists, cache and settings of its own.
 *
 * @param {PackageSet} set
 * @param {string} root
 */
export function privateApt(set, root) {
  const downloads = join(root, "downloads");
  for (const folder of ["state/lists/partial", "cache/archives/partial", "log", "etc/none", "downloads"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  writeFileSync(join(root, "status"), "");
  writeFileSync(join(root, "etc/sources.list"), sourceLines(set).join("\n"));
  writeFileSync(join(root, "etc/apt.conf"), configuration(set, root));
  return {
    downloads,
    run: (/** @type {string[]} */ args) =>
      runProgram("apt-get", ["-q", "-c", join(root, "etc/apt.conf"), ...args], downloads),
  };
}

/**
 * The mirror that this system takes Debian from, or the one that EMUFARM_DEBIAN_MIRROR names.
 *
 * @param {string} release codename, such as trixie
 * @returns {{ uri: string, signedBy?: string }}
 */
export function debianMirror(release) {
  const named = process.env.EMUFARM_DEBIAN_MIRROR;
  if (named) return { uri: named.replace(/\/$/, "") };
  // A mirror has all releases: that of the system's own serves for another one too.
  const sources = systemSources();
  const { id, codename } = thisDistribution();
  const mirror = mirrorOf(sources, release) ?? (id === "debian" ? mirrorOf(sources, codename) : undefined);
  if (mirror === undefined) {
    throw new SetupError(
      `apt on this system names no Debian mirror to take ${release} from; EMUFARM_DEBIAN_MIRROR may name one`,
    );
  }
  return { ...mirror, uri: mirror.uri.replace(/\/$/, "") };
}

/** @param {PackageSet} set */
function sourceLines({ release, targetRelease, hasSources }) {
  const { uri, signedBy } = debianMirror(release);
  const keys = signedBy ?? (existsSync(DEBIAN_KEYS) ? DEBIAN_KEYS : undefined);
  const options = keys === undefined ? "" : `[signed-by=${keys}] `;
  const suites = [release, ...(targetRelease === undefined ? [] : [targetRelease])];
  const kinds = hasSources === true ? ["deb", "deb-src"] : ["deb"];
  return [...suites.flatMap((suite) => kinds.map((kind) => `${kind} ${options}${uri} ${suite} main`)), ""];
}

/**
 * @param {PackageSet} set
 * @param {string} root
 */
function configuration({ architecture }, root) {
  // The system's hooks tidy up the system's own folders: not ours to start.
  return `#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear APT::Architectures;
APT::Architecture "${architecture}";
APT::Architectures { "${architecture}"; };
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Sandbox::User "";
Acquire::Retries "3";
Acquire::Languages "none";
Dir::State "${root}/state";
Dir::State::status "${root}/status";
Dir::State::extended_states "${root}/state/extended_states";
Dir::Cache "${root}/cache";
Dir::Log "${root}/log";
Dir::Etc::SourceList "${root}/etc/sources.list";
Dir::Etc::SourceParts "${root}/etc/none";
Dir::Etc::Preferences "${root}/etc/preferences";
Dir::Etc::PreferencesParts "${root}/etc/none";
`;
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 */
function runProgram(program, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw new SetupError(`${program} could not be started: ${error.message}`);
  if (status !== 0) throw new SetupError(`${program} ${args.slice(-4).join(" ")} failed: ${stderr.trim()}`);
  return stdout;
}
