/** Debian's packages, fetched by apt's own client, told by their digests, kept in the cache. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { execa } from "execa";
import { fileDigest } from "../qemu/digest.ts";
import { debianMirror } from "../setup/private-apt.mjs";
import { SetupError } from "../setup/say.mjs";
import type { LockedPackage, LockedPackages } from "./debian-lock.ts";

const APT_HELPER = "/usr/lib/apt/apt-helper";
const OPTIONS = ["APT::Sandbox::User=", "Acquire::Retries=3", "Acquire::http::Timeout=60"];

/**
 * Sees to the files of packages. Answers with their paths, by name.
 *
 * @throws {SetupError} another digest, gone from the mirror, no mirror, no apt
 */
export async function fetchPackages(
  packages: LockedPackages,
  release: string,
  cache: string,
): Promise<Map<string, string>> {
  const folder = join(cache, "images", "packages");
  mkdirSync(folder, { recursive: true });
  const files = new Map<string, string>();
  for (const [name, locked] of Object.entries(packages)) {
    const file = join(folder, `${locked.sha256.slice(0, 16)}-${basename(locked.path)}`);
    if (!existsSync(file)) await fetchOne(name, locked, release, file);
    files.set(name, file);
  }
  return files;
}

async function fetchOne(name: string, locked: LockedPackage, release: string, file: string): Promise<void> {
  const url = `${debianMirror(release).uri}/${locked.path}`;
  const part = `${file}.${process.pid}`;
  try {
    const args = [...OPTIONS.flatMap((one) => ["-o", one]), "download-file", url, part];
    const { failed, stdout, stderr } = await execa(APT_HELPER, args, { reject: false, env: { LC_ALL: "C" } });
    if (failed || !existsSync(part)) throw fetchError(name, locked, `${stdout ?? ""}\n${stderr ?? ""}`);
    const actual = await fileDigest(part);
    if (actual !== locked.sha256) {
      throw new SetupError(`${name} is not what the lock pins: SHA-256 ${actual}, expected ${locked.sha256}`);
    }
    renameSync(part, file);
  } finally {
    rmSync(part, { force: true });
  }
}

function fetchError(name: string, { version }: LockedPackage, said: string): SetupError {
  if (/\b404\b/.test(said)) {
    return new SetupError(
      `Debian's mirror has no ${name} ${version} any more, which images/packages.lock.json pins. ` +
        "Type: npm run images -- lock (and commit the file), or name a mirror that keeps old packages by EMUFARM_DEBIAN_MIRROR",
    );
  }
  const reason = /^(?:E|Err:\d+).*\n(?: .*\n?)*/m.exec(said)?.[0].replace(/\s+/g, " ").trim();
  return new SetupError(`${name} ${version} could not be fetched: ${reason ?? `${APT_HELPER} does not start`}`);
}
