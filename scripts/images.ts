/** `npm run images`: the farm's images, made and pushed without a container engine. */
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildImage, writeParts } from "./images/build.ts";
import { readLock, resolveLock } from "./images/debian-lock.ts";
import { IMAGE_NAMES, type ImageName } from "./images/definition.ts";
import { pushImages, writeValues } from "./images/push.ts";
import { loginsOf } from "./images/registry.ts";
import { type Commands, runCommand } from "./setup/commands.ts";
import { ownCacheFolder, projectFolder } from "./setup/folders.mjs";
import { debianArchitecture } from "./setup/newer-qemu.mjs";
import { SetupError, say } from "./setup/say.mjs";

const images = join(projectFolder, "images");
const cache = ownCacheFolder();
const RELEASE = "trixie";

const commands: Commands = {
  build: async (...args) => {
    const { values, positionals } = parse(args);
    const out = resolve(values.out ?? join(cache, "images", "archives"));
    for (const name of namesIn(positionals)) {
      const place = { project: projectFolder, cache, isStock: values.stock === true };
      const { file, reference, digest, bytes } = await buildImage(place, name, out);
      process.stdout.write(`${file} ${reference} ${digest} ${(bytes / 1e6).toFixed(1)} MB\n`);
    }
  },
  push: async (...args) => {
    const { values, positionals } = parse(args);
    const [target = "", ...words] = positionals;
    const pushed = await pushImages({
      place: { project: projectFolder, cache, isStock: values.stock === true },
      names: namesIn(words),
      target: target.replace(/\/$/, ""),
      tag: values.tag,
      isPlain: values["plain-http"] === true,
      findLogin: loginsOf(process.env),
      onPushed: ({ reference, sentBytes }) => {
        process.stdout.write(`${reference} ${(sentBytes / 1e6).toFixed(1)} MB sent\n`);
      },
    });
    const file = resolve(values.values ?? "images.values.yaml");
    writeValues(file, target.replace(/\/$/, ""), pushed);
    say(`helm install emufarm charts/emufarm --values ${file} pulls these`);
  },
  parts: async (...args) => {
    const { values, positionals } = parse(args);
    const names = namesIn(positionals);
    const [name] = names;
    if (name === undefined || names.length > 1 || values.out === undefined) {
      throw new SetupError(`parts takes one image and --out DIR`);
    }
    await writeParts({ project: projectFolder }, name, resolve(values.out));
  },
  lock: async () => {
    const file = join(images, "packages.lock.json");
    const previous = existsSync(file) ? readLock(images) : undefined;
    const place = { images, cache, release: RELEASE, architecture: debianArchitecture(), previous };
    writeFileSync(file, await resolveLock({ ...place, sets: ["base", ...IMAGE_NAMES] }));
    say(`${file} pins Debian's present packages`);
  },
};

function parse(args: string[]) {
  try {
    const text = { type: "string" } as const;
    const options = {
      out: text,
      tag: text,
      values: text,
      "plain-http": { type: "boolean" },
      stock: { type: "boolean" },
    } as const;
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new SetupError(`${(error as Error).message}`);
  }
}

function namesIn(words: readonly string[]): ImageName[] {
  const names = IMAGE_NAMES.filter((name) => words.includes(name));
  const unknown = words.find((word) => !names.some((name) => name === word));
  if (unknown !== undefined) throw new SetupError(`which image? ${unknown} is none of: ${IMAGE_NAMES.join(", ")}`);
  return names.length === 0 ? [...IMAGE_NAMES] : names;
}

const HELP = `npm run images -- COMMAND

build [${IMAGE_NAMES.join("] [")}] [--out DIR] [--stock]
    make the images, or some, as OCI archives, without a daemon and without a registry
    --out DIR      where to; default: ${join(cache, "images", "archives")}
    --stock        with Debian's QEMU instead of the farm's own
push REGISTRY/PATH [${IMAGE_NAMES.join("] [")}] [--tag TAG] [--values FILE] [--plain-http] [--stock]
    make them and bring them into a registry, with the logins of your Docker configuration; writes a values file with
    their digests for helm (default: images.values.yaml)
lock
    pin Debian's present packages
parts NAME --out DIR
    write what a Containerfile puts together
`;

await runCommand(commands, "build", HELP);
