import { Readable } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import { checkFirmware } from "../../core/firmware/check-firmware.ts";
import type { FirmwareRecord } from "../../core/wire/farm.ts";
import type { ImportCredentials, ImportRecord, ImportRequest } from "../../core/wire/import.ts";
import type { FirmwareImport } from "./firmware-import.ts";
import type { FirmwareImages } from "./image-source.ts";
import { authorizationOf } from "./registry-login.ts";
import type { WebSource } from "./web-source.ts";

export interface FirmwareImporterDependencies {
  readonly firmware: FirmwareImport;
  readonly web: WebSource;
  readonly images: FirmwareImages;
  /** Signed URL for agents. */
  readonly blobUrl: (sha256: string) => string;
}

/**
 * Brings firmware of every source into the store.
 * @throws {FarmError} FirmwareUnknown, FirmwareSourceRefused, FirmwareSourceFailed, FirmwareImageInvalid, DigestMismatch, BodyTooLarge,
 * and, with a board, Firmware...
 */
export type ImportFirmware = (request: ImportRequest) => Promise<ImportRecord>;

export function createFirmwareImporter({
  firmware,
  web,
  images,
  blobUrl,
}: FirmwareImporterDependencies): ImportFirmware {
  async function receive(request: ImportRequest): Promise<FirmwareRecord> {
    const { artifact, inline, url, image, sha256, credentials } = request;
    const wanted = artifact ?? sha256;
    const known = wanted === undefined ? undefined : await firmware.find(wanted);
    if (known) return known;
    if (inline !== undefined) return firmware.receive(Readable.from([Buffer.from(inline, "base64")]), sha256);
    const receiveAll = (bytes: Readable) => firmware.receive(bytes, sha256);
    if (url !== undefined) return web.fetch({ url, authorization: shownTo(url, credentials) }, receiveAll);
    if (image !== undefined) return images.fetch(image, credentials, receiveAll);
    throw new FarmError("FirmwareUnknown", { sha256: wanted ?? "" });
  }

  return async (request) => {
    const { sha256, sizeBytes } = await receive(request);
    const { board, format, name = sha256 } = request;
    const loadedAs =
      board &&
      checkFirmware({
        name,
        facts: await firmware.readFacts(sha256),
        format,
        boardName: board.name,
        board: board.spec,
      });
    return { sha256, sizeBytes, ...(loadedAs && { format: loadedAs }), url: blobUrl(sha256) };
  };
}

/** Credentials do not travel in the clear. @throws {FarmError} FirmwareSourceRefused */
function shownTo(url: string, credentials: ImportCredentials | undefined): string | undefined {
  if (!credentials) return undefined;
  const { protocol, host, pathname } = new URL(url);
  if (protocol === "https:") return authorizationOf(credentials);
  const problem = "credentials are shown by https only";
  throw new FarmError("FirmwareSourceRefused", { source: `${protocol}//${host}${pathname}`, problem });
}
