import { writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { SetupError } from "../setup/say.mjs";
import { type ImagesPlace, makeImage } from "./build.ts";
import type { ImageName } from "./definition.ts";
import { imageDocuments, MANIFEST_TYPE } from "./oci-archive.ts";
import { type FindLogin, openRegistry } from "./registry.ts";

export interface PushOptions {
  readonly place: ImagesPlace;
  readonly names: readonly ImageName[];
  /** Where the images get to, such as registry.example.org/emufarm. */
  readonly target: string;
  /** Default: the version. */
  readonly tag: string | undefined;
  /** Over HTTP; a host of this machine is spoken to so anyway. */
  readonly isPlain: boolean;
  readonly findLogin: FindLogin;
  /** Told of each image. */
  readonly onPushed: (image: PushedImage) => void;
}

export interface PushedImage {
  readonly name: ImageName;
  /** By its digest. */
  readonly reference: string;
  readonly digest: string;
  readonly tag: string;
  /** Bytes that the registry did not have. */
  readonly sentBytes: number;
}

const TARGET = /^((?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d+)?)((?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)$/;

/** Makes the images and brings them into a registry. What it has already is not sent again. */
export async function pushImages(options: PushOptions): Promise<PushedImage[]> {
  const { registry, prefix } = parseTarget(options.target);
  const pushed: PushedImage[] = [];
  for (const name of options.names) {
    const image = await makeImage(options.place, name);
    const repository = `${prefix}emufarm-${name}`;
    const opened = openRegistry({ registry, repository }, options.isPlain, options.findLogin);
    const { config, manifest } = imageDocuments(image);
    let sentBytes = 0;
    for (const { layer } of image.layers) {
      const digest = `sha256:${layer.sha256}`;
      if (await opened.hasBlob(digest)) continue;
      await opened.pushFile(digest, layer.file, layer.bytes);
      sentBytes += layer.bytes;
    }
    if (!(await opened.hasBlob(config.blob.digest))) await opened.pushText(config.blob.digest, config.text);
    const tag = options.tag ?? image.version;
    await opened.pushManifest(tag, MANIFEST_TYPE, manifest.text);
    const { digest } = manifest.blob;
    const done = { name, digest, tag, sentBytes, reference: `${options.target}/emufarm-${name}@${digest}` };
    options.onPushed(done);
    pushed.push(done);
  }
  return pushed;
}

/** What the chart needs to pull just these. */
export function writeValues(file: string, target: string, pushed: readonly PushedImage[]): void {
  const digests = Object.fromEntries(pushed.map(({ name, digest }) => [name, digest]));
  const tag = pushed[0]?.tag;
  writeFileSync(
    file,
    `# Written by npm run images -- push.\n${stringify({ image: { registry: target, tag, digests } })}`,
  );
}

function parseTarget(target: string): { registry: string; prefix: string } {
  const [, registry, path = ""] = TARGET.exec(target) ?? [];
  if (registry === undefined) {
    throw new SetupError(`push takes a registry, such as registry.example.org/emufarm; ${target} is none`);
  }
  return { registry, prefix: path === "" ? "" : `${path.slice(1)}/` };
}
