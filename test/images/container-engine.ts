import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import { debianMirror } from "../../scripts/setup/private-apt.mjs";

const BASE = "localhost/base:1";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
/** A Containerfile runs npm; which one does not matter. */
const NPM = "npm@11";

/** Debian's buildah with a store of its own, and one base image: a new Debian with Node and npm. */
export interface ContainerEngine extends AsyncDisposable {
  /** Builds an image of the project, and answers with the folder in which its files lie. */
  build(name: string): Promise<string>;
  /** What the image says of itself. */
  inspect(name: string): Promise<{ OCIv1: { config: { User: string; Entrypoint: string[]; Env: string[] } } }>;
}

export async function openContainerEngine(): Promise<ContainerEngine> {
  const base = await baseArchive();
  const folder = await mkdtemp(join(tmpdir(), "emu-buildah-"));
  const policy = join(folder, "policy.json");
  await writeFile(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  const registries = join(folder, "registries.conf");
  await writeFile(registries, "unqualified-search-registries = []\n");
  const store = ["--root", join(folder, "store"), "--runroot", join(folder, "run"), "--storage-driver", "overlay"];
  const signed = ["--signature-policy", policy];
  const buildah = async (...args: string[]) =>
    (
      await execa("buildah", [...store, ...args], {
        cwd: projectFolder,
        env: { CONTAINERS_REGISTRIES_CONF: registries },
      })
    ).stdout;

  const first = await buildah("from", ...signed, "scratch");
  await buildah("add", "--quiet", first, base, "/");
  const path = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
  await buildah("config", "--env", path, "--env", "NODE_EXTRA_CA_CERTS=/etc/lent.crt", first);
  await buildah("commit", "--quiet", ...signed, first, BASE);
  const bases = ["NODE", "DEBIAN"].flatMap((name) => ["--build-arg", `${name}=${BASE}`]);
  return {
    async build(name) {
      const isolated = ["--isolation", "chroot", "--network", "host", "--pull-never", "--layers"];
      const file = `images/${name}/Containerfile`;
      await buildah("bud", ...signed, ...isolated, ...bases, "--file", file, "--tag", `localhost/${name}:1`, ".");
      const container = await buildah("from", "--pull-never", ...signed, `localhost/${name}:1`);
      return await buildah("mount", container);
    },
    inspect: async (name) => JSON.parse(await buildah("inspect", "--type", "image", `localhost/${name}:1`)),
    async [Symbol.asyncDispose]() {
      await buildah("umount", "--all");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Made once: debootstrap takes half a minute. */
async function baseArchive(): Promise<string> {
  const folder = join(ownCacheFolder(), "images");
  const archive = join(folder, "container-base-trixie.tar");
  if (existsSync(archive)) return archive;
  const work = await mkdtemp(join(tmpdir(), "emu-base-"));
  try {
    const root = join(work, "root");
    await execa("debootstrap", ["--variant=minbase", "trixie", root, debianMirror("trixie").uri]);
    await mkdir(join(root, "usr/local/lib/node_modules/npm"), { recursive: true });
    await cp(process.execPath, join(root, "usr/local/bin/node"), { dereference: true });
    await execa("npm", ["pack", "--silent", "--pack-destination", work, NPM], { cwd: work });
    const pack = (await readdir(work)).find((name) => name.endsWith(".tgz")) ?? "";
    const into = join(root, "usr/local/lib/node_modules/npm");
    await execa("tar", ["--extract", "--file", join(work, pack), "--directory", into, "--strip-components=1"]);
    await symlink("../lib/node_modules/npm/bin/npm-cli.js", join(root, "usr/local/bin/npm"));
    // What the network needs here.
    if (existsSync(CERTIFICATES)) await cp(CERTIFICATES, join(root, "etc/lent.crt"), { dereference: true });
    const { stdout } = await execa("apt-config", ["dump"]);
    const lent = stdout.split("\n").filter((line) => /^Acquire::.*(Proxy|CaInfo|Check-)/.test(line));
    await writeFile(join(root, "etc/apt/apt.conf.d/99host"), lent.join("\n"));
    await mkdir(folder, { recursive: true });
    await execa("tar", ["--create", "--file", join(work, "base.tar"), "--directory", root, "."]);
    await execa("mv", [join(work, "base.tar"), `${archive}.${process.pid}`]);
    await rename(`${archive}.${process.pid}`, archive);
    return archive;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
