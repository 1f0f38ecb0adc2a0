/** OCI image layouts as archives: image-spec 1.1, image-layout.md, with the names that containerd and Docker look for. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { arch } from "node:process";
import { execa } from "execa";
import { type ImageDefinition, USER_ID } from "./definition.ts";
import type { Layer } from "./layer.ts";

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";

export interface Image {
  readonly definition: ImageDefinition;
  readonly version: string;
  readonly license: string;
  readonly layers: readonly { readonly what: string; readonly layer: Layer }[];
}

export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The documents of an image, as text, and their digests. */
export interface ImageDocuments {
  readonly config: { readonly text: string; readonly blob: Blob };
  readonly manifest: { readonly text: string; readonly blob: Blob };
}

export function imageDocuments(image: Image): ImageDocuments {
  const { definition, version, license, layers } = image;
  const config = documentOf(CONFIG_TYPE, {
    created: "1970-01-01T00:00:00Z",
    architecture: platformArchitecture(),
    os: "linux",
    config: {
      User: `${USER_ID}:${USER_ID}`,
      ExposedPorts: Object.fromEntries(definition.ports.map((port) => [`${port}/tcp`, {}])),
      Env: Object.entries(definition.env).map(([name, value]) => `${name}=${value}`),
      Entrypoint: ["/usr/bin/node", "/opt/emufarm/dist/main.js"],
      WorkingDir: "/",
      StopSignal: "SIGTERM",
      Labels: {
        "org.opencontainers.image.title": definition.title,
        "org.opencontainers.image.description": definition.description,
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": license,
      },
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ layer }) => `sha256:${layer.diffId}`) },
    history: layers.map(({ what }) => ({ created: "1970-01-01T00:00:00Z", created_by: what })),
  });
  const manifest = documentOf(MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: config.blob,
    layers: layers.map(({ layer }) => ({
      mediaType: LAYER_TYPE,
      digest: `sha256:${layer.sha256}`,
      size: layer.bytes,
    })),
  });
  return { config, manifest };
}

function documentOf(mediaType: string, value: unknown): { text: string; blob: Blob } {
  const text = JSON.stringify(value);
  const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  return { text, blob: { mediaType, digest, size: Buffer.byteLength(text) } };
}

/** Writes an image as an archive; a killed one leaves none. Answers with the manifest's digest. */
export async function writeArchive(image: Image, reference: string, file: string): Promise<string> {
  const { config, manifest } = imageDocuments(image);
  mkdirSync(dirname(file), { recursive: true });
  const work = mkdtempSync(`${file}.`);
  try {
    const layout = join(work, "layout");
    const blobs = join(layout, "blobs", "sha256");
    mkdirSync(blobs, { recursive: true });
    for (const { text, blob } of [config, manifest]) writeFileSync(join(blobs, hexOf(blob.digest)), text);
    for (const { layer } of image.layers) symlinkSync(layer.file, join(blobs, layer.sha256));
    writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    writeFileSync(join(layout, "index.json"), JSON.stringify(indexOf(manifest.blob, reference)));
    await execa(
      "tar",
      ["--create", "--file", join(work, "archive"), "--sort=name", "--mtime=@0", "--owner=0", "--group=0"].concat(
        ["--numeric-owner", "--mode=u=rwX,go=rX", "--dereference", "--format=ustar", "--directory", layout],
        ["oci-layout", "index.json", "blobs"],
      ),
    );
    renameSync(join(work, "archive"), file);
    return manifest.blob.digest;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function indexOf(manifest: Blob, reference: string) {
  const annotations = {
    "io.containerd.image.name": reference,
    "org.opencontainers.image.ref.name": reference.slice(reference.lastIndexOf(":") + 1),
  };
  const platform = { architecture: platformArchitecture(), os: "linux" };
  return {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{ ...manifest, platform, annotations }],
  };
}

/** In Go's words. */
function platformArchitecture(): "amd64" | "arm64" {
  return arch === "arm64" ? "arm64" : "amd64";
}

function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1);
}
