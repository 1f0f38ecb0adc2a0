import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { type ImageReference, parseImageReference } from "../../core/firmware/image-reference.ts";
import type { ImportCredentials } from "../../core/wire/import.ts";
import { type LayerDescriptor, LayerProblem, layerFile } from "./layer-file.ts";
import { answerTo } from "./registry-login.ts";
import { limited, type WebAnswer, type WebSource } from "./web-source.ts";

export interface ImageSourceOptions {
  readonly web: WebSource;
  /** Registries that are spoken to without TLS, as references name them. */
  readonly plainRegistries: readonly string[];
  /** Of the file, and of its layer. */
  readonly maxBytes: number;
}

/** Fetches firmware from OCI registries (distribution-spec 1.1). */
export interface FirmwareImages {
  /**
   * Gives the bytes of an image's firmware to the receiver.
   * @throws {FarmError} FirmwareSourceRefused, FirmwareSourceFailed, FirmwareImageInvalid, BodyTooLarge, and what the
   * receiver throws
   */
  fetch<Received>(
    image: string,
    credentials: ImportCredentials | undefined,
    receive: (bytes: Readable) => Promise<Received>,
  ): Promise<Received>;
}

const MANIFESTS = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];
const INDEXES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const ACCEPT = [...MANIFESTS, ...INDEXES].join(", ");
/** What registries take at most. */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const descriptor = z.object({
  mediaType: z.string(),
  digest,
  annotations: z.record(z.string(), z.string()).optional(),
  platform: z.object({ architecture: z.string() }).optional(),
});
const manifest = z.object({ layers: z.array(descriptor).optional(), manifests: z.array(descriptor).optional() });

export function createFirmwareImages({ web, plainRegistries, maxBytes }: ImageSourceOptions): FirmwareImages {
  return {
    async fetch(image, credentials, receive) {
      const reference = parseImageReference(image);
      if (!reference) throw invalid(image, "that is no reference of an OCI image");
      const isPlain = plainRegistries.includes(reference.registry);
      const pull = createPull({ web, reference, credentials, isPlain });
      const layer = await firstLayer(image, pull, reference.version);
      return await pull(`blobs/${layer.digest}`, "*/*", async ({ bytes }) => {
        const checked = Readable.from(withDigest(bytes, layer.digest, image));
        try {
          return await receive(layerFile(checked, layer, maxBytes));
        } catch (error) {
          throw error instanceof LayerProblem ? invalid(image, error.message) : error;
        }
      });
    },
  };
}

/** Asks for something of one image; says who asks when the registry wants to know. */
type Pull = <Outcome>(path: string, accept: string, use: (answer: WebAnswer) => Promise<Outcome>) => Promise<Outcome>;

interface PullOptions {
  readonly web: WebSource;
  readonly reference: ImageReference;
  readonly credentials: ImportCredentials | undefined;
  readonly isPlain: boolean;
}

function createPull({ web, reference, credentials, isPlain }: PullOptions): Pull {
  const { registry, repository } = reference;
  const base = `${isPlain ? "http" : "https"}://${registry}/v2/${repository}`;
  const signal = web.deadline();
  let authorization: string | undefined;
  const challengeOf = ({ status, headers }: WebAnswer) =>
    status === 401 && authorization === undefined ? String(headers["www-authenticate"] ?? "") : undefined;

  return async (path, accept, use) => {
    const send = <Outcome>(then: (answer: WebAnswer) => Promise<Outcome>) =>
      web.ask({ url: `${base}/${path}`, accept, authorization, signal }, then);
    const told = async (answer: WebAnswer) => {
      if (answer.status === 200) return await use(answer);
      throw new FarmError("FirmwareSourceFailed", {
        source: `${registry}/${repository}`,
        detail: refusalOf(answer.status, credentials !== undefined),
      });
    };
    const first = await send(async (answer) => {
      const challenge = challengeOf(answer);
      return challenge === undefined ? { outcome: await told(answer) } : { challenge };
    });
    if ("outcome" in first) return first.outcome;
    const { challenge } = first;
    authorization = await answerTo(web, { challenge, reference, credentials, isPlain, signal });
    return await send(told);
  };
}

function refusalOf(status: number, hasCredentials: boolean): string {
  if (status === 404) return "the registry does not have it";
  if (status !== 401 && status !== 403) return `the registry answered ${status}`;
  if (hasCredentials) return `the registry does not take the credentials (${status})`;
  return `the registry wants credentials (${status}): firmware.secretName names a Secret with some`;
}

/** Of the only manifest, where an index leads to one. */
async function firstLayer(image: string, pull: Pull, version: string, isOfIndex = false): Promise<LayerDescriptor> {
  const { layers, manifests } = await pull(`manifests/${version}`, ACCEPT, ({ bytes }) => {
    return readManifest(image, bytes, version);
  });
  const [layer] = layers ?? [];
  if (layer) return layer;
  // Builders put what they attest beside the image, for a platform that there is not.
  const images = manifests?.filter(({ platform }) => platform?.architecture !== "unknown") ?? [];
  const [only] = images;
  if (!only || isOfIndex) throw invalid(image, "it has no layers");
  if (images.length > 1)
    throw invalid(image, `it is ${images.length} images for several platforms: name one by digest`);
  return await firstLayer(image, pull, only.digest, true);
}

async function readManifest(image: string, bytes: Readable, version: string) {
  const body = await buffer(limited(bytes, MAX_MANIFEST_BYTES));
  const actual = `sha256:${createHash("sha256").update(body).digest("hex")}`;
  if (version.startsWith("sha256:") && version !== actual)
    throw invalid(image, `its manifest has the digest ${actual}`);
  const read = manifest.safeParse(parsed(body));
  if (read.success) return read.data;
  throw invalid(image, "its manifest is none of an OCI image");
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    // Told as what it is not.
    return undefined;
  }
}

/** The bytes, and an error at their end where they are not what the manifest says. */
async function* withDigest(bytes: AsyncIterable<Buffer>, wanted: string, image: string): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = `sha256:${hash.digest("hex")}`;
  if (actual !== wanted) throw invalid(image, `its layer has the digest ${actual}, not ${wanted}`);
}

function invalid(image: string, problem: string): FarmError {
  return new FarmError("FirmwareImageInvalid", { image, problem });
}
