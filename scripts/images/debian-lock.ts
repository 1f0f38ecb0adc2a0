/** `images/packages.lock.json`: Debian's packages in the images, each pinned by version and digest. */
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { debianMirror, plannedPackages, privateApt } from "../setup/private-apt.mjs";
import { SetupError } from "../setup/say.mjs";
import { fetchPackages } from "./debian-packages.ts";
import { listOf } from "./image-lists.ts";

export interface LockedPackage {
  readonly version: string;
  /** Below the root of a Debian mirror. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** By name, in the order of names. */
export type LockedPackages = Readonly<Record<string, LockedPackage>>;

export interface DebianLock {
  /** Codename of the Debian release that all packages are of. */
  readonly release: string;
  /** By set, a folder of `images` with a list of packages, then by Debian's name of the architecture. */
  readonly sets: Readonly<Record<string, Readonly<Record<string, LockedPackages>>>>;
}

const LOCK_FILE = "packages.lock.json";

/** The set that every image begins with: what it has is in no other. */
const BASE = "base";

export function readLock(images: string): DebianLock {
  return JSON.parse(readFileSync(join(images, LOCK_FILE), "utf8"));
}

/** @throws {SetupError} where the lock knows no such packages */
export function lockedPackages(lock: DebianLock, set: string, architecture: string): LockedPackages {
  const packages = lock.sets[set]?.[architecture];
  if (packages !== undefined) return packages;
  throw new SetupError(
    `images/${LOCK_FILE} has no packages of ${set} for ${architecture}. Type: npm run images -- lock`,
  );
}

/**
 * The lock as Debian's present packages make it: of what apt would install for each set, those that a file comes from
 * which the set keeps. What it says of other architectures stays.
 */
export async function resolveLock(place: {
  images: string;
  cache: string;
  sets: readonly string[];
  release: string;
  architecture: string;
  previous: DebianLock | undefined;
}): Promise<string> {
  const { release, architecture, previous } = place;
  const work = mkdtempSync(join(tmpdir(), "emufarm-lock-"));
  try {
    const apt = privateApt({ release, architecture, packages: [], isWanted: () => true }, join(work, "apt"));
    apt.run(["update"]);
    const resolved: Record<string, LockedPackages> = {};
    for (const set of [BASE, ...place.sets.filter((one) => one !== BASE)]) {
      const wanted = listOf(place.images, set, "packages");
      if (wanted.length === 0) continue;
      const planned = plannedPackages(apt.run(["install", "--simulate", "--yes", ...wanted])).filter(
        ({ name }) => set === BASE || resolved[BASE]?.[name] === undefined,
      );
      const uris = apt.run(["download", "--print-uris", ...planned.map(({ name, version }) => `${name}=${version}`)]);
      const all = packagesIn(uris, debianMirror(release).uri);
      const files = await fetchPackages(all, release, place.cache);
      const isKept = await keepers(files, listOf(place.images, set, "keep"), work);
      resolved[set] = Object.fromEntries(Object.entries(all).filter(([name]) => isKept.has(name)));
    }
    const sets = Object.entries(resolved).map(([set, packages]) => {
      const others = previous?.release === release ? previous.sets[set] : undefined;
      return [set, { ...others, [architecture]: packages }] as const;
    });
    return `${JSON.stringify({ release, sets: Object.fromEntries(sets) } satisfies DebianLock, null, 2)}\n`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Lines such as `'http://mirror/debian/pool/main/z/zlib/zlib1g_1.3_amd64.deb' zlib1g_1.3_amd64.deb 8848 SHA256:...`. */
export function packagesIn(uris: string, mirror: string): LockedPackages {
  const lines = [...uris.matchAll(/^'(\S+)' (\S+) (\d+) SHA256:([0-9a-f]{64})$/gm)];
  const packages = lines.map(([, uri = "", file = "", bytes = "", sha256 = ""]) => {
    const [name = "", version = ""] = file.split("_");
    const path = decodeURIComponent(uri.replace(`${mirror}/`, ""));
    return [name, { version: decodeURIComponent(version), path, bytes: Number(bytes), sha256 }] as const;
  });
  return Object.fromEntries(packages.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Packages with a file that a pattern names. */
async function keepers(
  files: ReadonlyMap<string, string>,
  patterns: readonly string[],
  work: string,
): Promise<Set<string>> {
  const keepers = new Set<string>();
  for (const [name, file] of files) {
    const folder = join(work, "unpacked", name);
    mkdirSync(folder, { recursive: true });
    await execa("dpkg-deb", ["--extract", file, folder]);
    if (patterns.some((pattern) => globSync(pattern, { cwd: folder }).length > 0)) keepers.add(name);
    rmSync(folder, { recursive: true });
  }
  return keepers;
}
