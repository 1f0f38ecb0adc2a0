/** Layers of an image: folders as archives that come out the same each time, kept in the cache by what they are made from. */
import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { execa } from "execa";
import { USER_ID } from "./definition.ts";

/** A compressed layer as a file. */
export interface Layer {
  readonly file: string;
  /** Of the compressed bytes, in hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** Of the archive before it was compressed, in hex. */
  readonly diffId: string;
}

const TAR_OPTIONS = [
  "--sort=name",
  "--mtime=@0",
  "--numeric-owner",
  "--format=posix",
  "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime,delete=mtime",
];

/**
 * The layer made from what `key` describes, from the cache or by `fill`, which gets a fresh folder.
 *
 * @param folders of the layer that belong to the user of the program, made if they are not there
 */
export async function makeLayer(
  cache: string,
  key: unknown,
  fill: (root: string) => Promise<void>,
  folders: readonly string[] = [],
): Promise<Layer> {
  const layers = join(cache, "images", "layers");
  mkdirSync(layers, { recursive: true });
  const name = createHash("sha256")
    .update(JSON.stringify([TAR_OPTIONS, folders, key]))
    .digest("hex")
    .slice(0, 32);
  const file = join(layers, `${name}.tar.gz`);
  const facts = join(layers, `${name}.json`);
  // The facts are written last: with them, the layer is whole.
  if (existsSync(facts)) return { ...JSON.parse(readFileSync(facts, "utf8")), file };
  const work = mkdtempSync(`${file}.`);
  try {
    const root = join(work, "root");
    mkdirSync(root);
    await fill(root);
    const archive = join(work, "layer.tar");
    await pack(root, archive, folders);
    const diffId = await digestOf(archive);
    const compressed = await compress(archive, join(work, "layer.tar.gz"));
    renameSync(join(work, "layer.tar.gz"), file);
    writeFileSync(join(work, "facts"), JSON.stringify({ ...compressed, diffId }));
    renameSync(join(work, "facts"), facts);
    return { ...compressed, diffId, file };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function pack(root: string, archive: string, folders: readonly string[]): Promise<void> {
  const tar = (...args: string[]) =>
    execa("tar", [...TAR_OPTIONS, "--directory", root, ...args], { env: { LC_ALL: "C" } });
  await tar("--create", "--file", archive, "--owner=0", "--group=0", ".");
  if (folders.length === 0) return;
  for (const folder of folders) mkdirSync(join(root, folder), { recursive: true, mode: 0o755 });
  const owner = [`--owner=${USER_ID}`, `--group=${USER_ID}`];
  await tar("--append", "--file", archive, ...owner, "--no-recursion", ...folders.map((folder) => `./${folder}`));
}

async function compress(from: string, to: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash("sha256");
  let bytes = 0;
  const counted = new PassThrough();
  counted.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  await pipeline(createReadStream(from), createGzip({ level: 6 }), counted, createWriteStream(to));
  return { sha256: hash.digest("hex"), bytes };
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
