/** The farm's own QEMU as a layer of the agent's image, where `npm run qemu` has built it. */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findFarmQemu, type QemuManifest } from "../../src/cli/farm/farm-qemu.ts";
import { say } from "../setup/say.mjs";
import { FARM_QEMU_FOLDER } from "./definition.ts";
import { type Layer, makeLayer } from "./layer.ts";

const DOCS_FOLDER = "usr/share/doc/emufarm-qemu";
const SBOM_FILE = "usr/share/sbom/emufarm-qemu.cdx.json";

/** Undefined, and said, where there is no build of the present sources. */
export async function farmQemuLayer(project: string, cache: string): Promise<Layer | undefined> {
  const found = findFarmQemu(cache, join(project, "images/qemu"));
  if (found.state !== "ready") {
    const why = found.state === "refused" ? found.problem : "it is not built";
    say(`the agent's image goes without the farm's own QEMU: ${why}; npm run qemu builds it`);
    return undefined;
  }
  const { folder, manifest } = found;
  return await makeLayer(cache, { recipe: 1, what: "farm qemu", manifest }, async (root) => {
    cpSync(join(folder, "bin"), join(root, FARM_QEMU_FOLDER, "bin"), { recursive: true });
    writeSources(join(folder, "source"), join(root, DOCS_FOLDER));
    mkdirSync(join(root, "usr/share/sbom"), { recursive: true });
    writeFileSync(join(root, SBOM_FILE), `${JSON.stringify(billOf(manifest), null, 2)}\n`);
    setModes(root);
  });
}

/** What the licence asks for: its text, our patches, and where all else comes from. */
function writeSources(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
  const text = readFileSync(join(from, "README.md"), "utf8");
  // Of the machine that built it nothing is there any more.
  const kept = "Debian keeps the files, also those of earlier versions: https://snapshot.debian.org.";
  const here = text
    .replace(/The files that were used lie in [^\s]+\./, kept)
    .replace("../bin", `/${FARM_QEMU_FOLDER}/bin`);
  writeFileSync(join(to, "README.md"), here);
  cpSync(join(to, "LICENSE"), join(to, "copyright"));
}

function billOf({ version, binaries }: QemuManifest) {
  const component = {
    type: "application",
    name: "qemu",
    version: `${version}+emufarm`,
    licenses: [{ expression: "GPL-2.0-only" }],
    purl: `pkg:deb/debian/qemu@${encodeURIComponent(version)}?arch=source&distro=debian-13`,
  };
  const components = binaries.map(({ name, sha256 }) => ({
    type: "file",
    name: `${FARM_QEMU_FOLDER}/bin/${name}`,
    hashes: [{ alg: "SHA-256", content: sha256 }],
  }));
  return { bomFormat: "CycloneDX", specVersion: "1.6", version: 1, metadata: { component }, components };
}

/** Whatever umask they were copied under. */
function setModes(path: string): void {
  const isFolder = statSync(path).isDirectory();
  const isProgram = /\/bin\/[^/]+$/.test(path);
  chmodSync(path, isFolder || isProgram ? 0o755 : 0o644);
  if (isFolder) for (const name of readdirSync(path)) setModes(join(path, name));
}
