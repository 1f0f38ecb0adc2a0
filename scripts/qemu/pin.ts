/** `npm run qemu -- pin`: pins what Debian has now, as its signed index says it. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { debianArchitecture } from "../setup/newer-qemu.mjs";
import { privateApt } from "../setup/private-apt.mjs";
import { SetupError } from "../setup/say.mjs";
import { fetchSource, type PinnedFile, type QemuSource, readSource } from "./source.ts";
import type { Steps } from "./steps.ts";

/** Writes `source.json` anew, within the series of QEMU that our patches are made for. */
export async function pinSource(images: string, cache: string, steps: Steps): Promise<QemuSource> {
  const { release, series } = readSource(images);
  const work = mkdtempSync(join(tmpdir(), "emufarm-pin-"));
  try {
    const architecture = debianArchitecture();
    const set = { release, architecture, packages: [], isWanted: () => false, hasSources: true };
    const apt = privateApt(set, join(work, "apt"));
    steps.tell(`asking the index of ${release}`);
    apt.run(["update"]);
    const offered = [
      ...offeredFiles(apt.run(["source", "--print-uris", "qemu"])),
      ...offeredFiles(apt.run(["download", "--print-uris", "meson"])),
    ];
    const files = {
      upstream: only(offered, /^qemu_.*\.orig\.tar\.xz$/),
      debian: only(offered, /^qemu_.*\.debian\.tar\.xz$/),
      meson: only(offered, /^meson_.*\.deb$/),
    };
    if (!basename(files.upstream.path).startsWith(`qemu_${series}.`)) {
      const name = basename(files.upstream.path);
      throw new SetupError(`${release} has ${name}: the patches are made for ${series} and have to be moved`);
    }
    const unnamed = { version: "the newest", series, release, sourceDateEpoch: 0, files };
    const { debian } = await fetchSource(unnamed, cache, steps);
    const source = { ...unnamed, ...changelogHead(debian) };
    writeFileSync(join(images, "source.json"), `${JSON.stringify(source, null, 2)}\n`);
    return source;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Lines such as `'http://mirror/debian/pool/main/q/qemu/qemu_10.dsc' qemu_10.dsc 12462 SHA256:a426...`. */
export function offeredFiles(uris: string): PinnedFile[] {
  return [...uris.matchAll(/^'\S*\/(pool\/\S+)' \S+ (\d+) SHA256:([0-9a-f]{64})$/gm)].map(
    ([, path = "", bytes = "", sha256 = ""]) => ({ path: decodeURIComponent(path), bytes: Number(bytes), sha256 }),
  );
}

function only(offered: readonly PinnedFile[], name: RegExp): PinnedFile {
  const found = offered.find(({ path }) => name.test(basename(path)));
  if (found === undefined) throw new SetupError(`the mirror offers no file like ${name.source}`);
  return found;
}

/** Version and date of the newest entry of debian/changelog. */
function changelogHead(debian: string): Pick<QemuSource, "version" | "sourceDateEpoch"> {
  const { stdout } = spawnSync("tar", ["-xOf", debian, "debian/changelog"], { encoding: "utf8", maxBuffer: 64 << 20 });
  const version = /^qemu \((\S+)\)/.exec(stdout)?.[1];
  const date = Date.parse(/^ -- .*> {2}(.*)$/m.exec(stdout)?.[1] ?? "");
  if (version === undefined || Number.isNaN(date)) throw new SetupError(`${debian} has no changelog that can be read`);
  return { version, sourceDateEpoch: Math.floor(date / 1000) };
}
