import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { extract } from "tar-stream";
import { FarmError } from "../../core/error/farm-error.ts";
import { limited } from "./web-source.ts";

/** Blob of an image, as its manifest tells of it. */
export interface LayerDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Layers of container images are archives; those of artifacts are whatever they are. */
const ARCHIVE =
  /^application\/vnd\.(oci\.image\.layer\.(nondistributable\.)?v1\.tar|docker\.image\.rootfs\.(diff|foreign\.diff)\.tar)([.+](gzip|zstd))?$/;
/** Clients of artifacts name a file so, whatever they call its type. */
const FILE_NAME = "org.opencontainers.image.title";
const IS_FOLDER = "io.deis.oras.content.unpack";

/** True where the bytes are an archive with the file in it, and not the file itself. */
export function isArchive({ mediaType, annotations = {} }: LayerDescriptor): boolean {
  const isFile = annotations[FILE_NAME] !== undefined && annotations[IS_FOLDER] !== "true";
  return ARCHIVE.test(mediaType) && !isFile;
}

/** What is wrong with a layer, in words about the image. */
export class LayerProblem extends Error {}

/** The bytes of a layer's file; other than one file in it is an error, be it at the end. @throws {LayerProblem} in the stream */
export function layerFile(bytes: Readable, layer: LayerDescriptor, maxBytes: number): Readable {
  return isArchive(layer) ? Readable.from(unpacked(bytes, layer.mediaType, maxBytes)) : bytes;
}

async function* unpacked(bytes: Readable, mediaType: string, maxBytes: number): AsyncGenerator<Buffer> {
  let sourceError: Error | undefined;
  bytes.once("error", (error) => {
    sourceError = error;
  });
  try {
    yield* onlyFile(limited(decompressed(bytes, mediaType), maxBytes));
  } catch (error) {
    if (sourceError) throw sourceError;
    if (error instanceof FarmError || error instanceof LayerProblem) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new LayerProblem(`its first layer cannot be read: ${detail}`, { cause: error });
  }
}

function decompressed(bytes: Readable, mediaType: string): AsyncIterable<Buffer> {
  if (mediaType.endsWith("gzip")) return fedFrom(bytes, createGunzip());
  if (mediaType.endsWith("zstd")) return fedFrom(bytes, createZstdDecompress());
  return bytes;
}

async function* onlyFile(archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const entries = fedFrom(archive, extract());
  let found: string | undefined;
  for await (const entry of entries) {
    const { name, type } = entry.header;
    if (type === "file") {
      if (found !== undefined) {
        throw new LayerProblem(`its first layer has several files, ${found} and ${name} among them`);
      }
      found = name;
      yield* entry as AsyncIterable<Buffer>;
    } else if (type === "directory") entry.resume();
    else throw new LayerProblem(`${name} in its first layer is no file, but a ${type ?? "special one"}`);
  }
  if (found === undefined) throw new LayerProblem("its first layer has no file");
}

function fedFrom<Target extends NodeJS.WritableStream>(source: AsyncIterable<Buffer>, target: Target): Target {
  // What fails ends the target with the same error, which is told where that is read.
  pipeline(source, target).catch(() => {});
  return target;
}
