import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import type { BuiltImage } from "../../scripts/images/build.ts";

/** An image with its layers unpacked over each other. */
export interface UnpackedImage extends BuiltImage {
  readonly root: string;
  readonly config: {
    config: { User: string; Entrypoint: string[]; ExposedPorts: object; Env: string[]; Labels: Record<string, string> };
  };
}

export async function unpackImage(built: BuiltImage, into: string): Promise<UnpackedImage> {
  const root = join(into, "root");
  await execa("mkdir", ["-p", join(into, "layout"), root]);
  await execa("tar", ["-xf", built.file, "-C", join(into, "layout")]);
  const json = (path: string) => JSON.parse(readFileSync(join(into, "layout", path), "utf8"));
  const blob = (digest: string) => join("blobs", digest.replace(":", "/"));
  const manifest = json(blob(json("index.json").manifests[0].digest));
  for (const layer of manifest.layers) {
    await execa("tar", ["-xzpf", join(into, "layout", blob(layer.digest)), "-C", root]);
  }
  return { ...built, root, config: json(blob(manifest.config.digest)) };
}
