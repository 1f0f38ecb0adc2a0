/** Images for the nodes' containerd: there is no registry, each of them reads the archive. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { arch } from "node:process";
import { execa } from "execa";
import { SetupError } from "../setup/say.mjs";
import { initOf, runOn } from "./machine.ts";
import { type ClusterSettings, machineFolder, NODES, type NodeName } from "./settings.ts";
import { programFolder, type ToolName } from "./tools.ts";

/** The images that a cluster has from its start, `localhost/NAME:1`, each of one program. */
const OWN_IMAGES: readonly { readonly name: string; readonly tool: ToolName }[] = [
  { name: "pause", tool: "test-images" },
  { name: "coredns", tool: "coredns" },
  { name: "probe", tool: "test-images" },
];

/** Gives an archive (OCI's or Docker's) to every node that runs. Answers with the names that they know now. */
export async function loadImage(settings: ClusterSettings, archive: string): Promise<string[]> {
  if (!existsSync(archive)) throw new SetupError(`${archive} is not there`);
  const running = NODES.filter((node) => initOf(settings, node) !== undefined);
  if (running.length === 0) throw new SetupError("the cluster is not up. Type: npm run cluster -- up");
  const loaded = await Promise.all(running.map((node) => importInto(settings, node, archive)));
  return loaded[0] ?? [];
}

/** Makes the cluster's own images. */
export async function makeImages(settings: ClusterSettings): Promise<void> {
  mkdirSync(imagesFolder(settings), { recursive: true });
  for (const { name, tool } of OWN_IMAGES) {
    const archive = join(imagesFolder(settings), `${name}.tar`);
    const program = join(programFolder(settings.cache, tool), name);
    if (!existsSync(archive)) await makeImage(`localhost/${name}:1`, program, name, archive);
  }
}

/** Gives a node the cluster's own images, unless it has a disk from before. */
export async function importOwnImages(settings: ClusterSettings, node: NodeName): Promise<void> {
  const mark = join(machineFolder(settings, node), "has-images");
  if (existsSync(mark)) return;
  for (const { name } of OWN_IMAGES) await importInto(settings, node, join(imagesFolder(settings), `${name}.tar`));
  writeFileSync(mark, "");
}

/** What containerd says of an image that it has read: its name, and that it was saved. */
async function importInto(settings: ClusterSettings, node: NodeName, archive: string): Promise<string[]> {
  const socket = "until [ -S /run/containerd/containerd.sock ]; do sleep 0.05; done";
  await runOn(settings, node, ["timeout", "30", "bash", "-c", socket]);
  const output = await runOn(settings, node, ["ctr", "-n", "k8s.io", "images", "import", "--local", "-"], archive);
  return output.split("\n").flatMap((line) => /^(?:unpacking )?(\S+[:@]\S+)/.exec(line)?.[1] ?? []);
}

function imagesFolder({ folder }: ClusterSettings): string {
  return join(folder, "images");
}

/** One layer with one program, in Docker's format of archives. */
async function makeImage(name: string, program: string, command: string, archive: string): Promise<void> {
  const work = mkdtempSync(`${archive}.`);
  try {
    mkdirSync(join(work, "root"));
    copyFileSync(program, join(work, "root", command));
    const plain = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    await execa("tar", [...plain, "-C", join(work, "root"), "-cf", join(work, "layer.tar"), "."]);
    const layer = createHash("sha256")
      .update(readFileSync(join(work, "layer.tar")))
      .digest("hex");
    const configuration = {
      architecture: arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Entrypoint: [`/${command}`], WorkingDir: "/" },
      rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
    };
    const manifest = [{ Config: "config.json", RepoTags: [name], Layers: ["layer.tar"] }];
    writeFileSync(join(work, "config.json"), JSON.stringify(configuration));
    writeFileSync(join(work, "manifest.json"), JSON.stringify(manifest));
    await execa("tar", [...plain, "-C", work, "-cf", archive, "config.json", "layer.tar", "manifest.json"]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
