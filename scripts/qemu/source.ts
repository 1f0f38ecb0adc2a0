/** The sources that a build is made from: pinned by digest, fetched by apt's own client, kept in the cache. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { execa } from "execa";
import { debianMirror } from "../setup/private-apt.mjs";
import { SetupError } from "../setup/say.mjs";
import { fileDigest } from "./digest.ts";
import type { Steps } from "./steps.ts";

/** `images/qemu/source.json`. */
export interface QemuSource {
  /** Version of Debian's source package. */
  version: string;
  /** The series of QEMU that our patches are made for. */
  series: string;
  /** Codename of the Debian release that has it. */
  release: string;
  /** Date of the source package, which stands in for the time of the build. */
  sourceDateEpoch: number;
  files: Record<"upstream" | "debian" | "meson", PinnedFile>;
}

export interface PinnedFile {
  /** Below the root of a Debian mirror. */
  path: string;
  bytes: number;
  sha256: string;
}

/** Where the files of a source lie. */
export type FetchedSource = Record<keyof QemuSource["files"], string>;

const APT_HELPER = "/usr/lib/apt/apt-helper";
const OPTIONS = [
  "APT::Sandbox::User=",
  "Acquire::Retries=3",
  "Acquire::http::Timeout=60",
  "Acquire::https::Timeout=60",
];

export function readSource(images: string): QemuSource {
  return JSON.parse(readFileSync(join(images, "source.json"), "utf8"));
}

/**
 * Sees to all files of a source: those that are there and as pinned are taken as they are.
 *
 * @throws {SetupError} cut off, another digest, gone from the mirror, no mirror
 */
export async function fetchSource(source: QemuSource, cache: string, { tell }: Steps): Promise<FetchedSource> {
  const folder = join(cache, "qemu", "sources");
  mkdirSync(folder, { recursive: true });
  const fetched: Partial<FetchedSource> = {};
  for (const [role, pinned] of Object.entries(source.files) as [keyof FetchedSource, PinnedFile][]) {
    const file = join(folder, basename(pinned.path));
    fetched[role] = file;
    if (existsSync(file) && (await fileDigest(file)) === pinned.sha256) continue;
    tell(`fetching ${basename(pinned.path)} (${(pinned.bytes / 1e6).toFixed(1)} MB)`);
    await fetchPinned(pinned, source, file);
  }
  return fetched as FetchedSource;
}

async function fetchPinned(pinned: PinnedFile, source: QemuSource, file: string): Promise<void> {
  const url = `${debianMirror(source.release).uri}/${pinned.path}`;
  const part = `${file}.part`;
  rmSync(part, { force: true });
  try {
    const args = [...OPTIONS.flatMap((one) => ["-o", one]), "download-file", url, part];
    const { exitCode, stderr, stdout, failed } = await execa(APT_HELPER, args, { reject: false, env: { LC_ALL: "C" } });
    if (failed || !existsSync(part)) throw fetchError(pinned, source, url, `${stdout}\n${stderr}`, exitCode);
    const { size } = statSync(part);
    if (size < pinned.bytes) {
      throw new SetupError(`${url} was cut off: ${size} of ${pinned.bytes} bytes came. Try again`);
    }
    const actual = await fileDigest(part);
    if (actual !== pinned.sha256) {
      throw new SetupError(
        `${url} is not what images/qemu/source.json pins: SHA-256 ${actual}, expected ${pinned.sha256}`,
      );
    }
    renameSync(part, file);
  } finally {
    rmSync(part, { force: true });
  }
}

function fetchError(pinned: PinnedFile, source: QemuSource, url: string, said: string, exitCode = 127): SetupError {
  if (exitCode === 127) return new SetupError(`${APT_HELPER} is missing: the sources of QEMU come by Debian's apt`);
  if (/\b404\b/.test(said)) {
    return new SetupError(
      `${url} is gone: Debian keeps the newest source of ${source.release} only, and ${source.version} is pinned. ` +
        `Type: npm run qemu -- pin (and commit images/qemu/source.json), or name a mirror that keeps ` +
        `old packages by EMUFARM_DEBIAN_MIRROR`,
    );
  }
  const reason = /^(?:E|Err:\d+).*\n(?: .*\n?)*/m.exec(said)?.[0].replace(/\s+/g, " ").trim() ?? said.trim();
  return new SetupError(`${basename(pinned.path)} could not be fetched: ${reason}. Try again when the network is back`);
}
