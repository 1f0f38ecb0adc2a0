import { Readable } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import { checkFirmware } from "../../core/firmware/check-firmware.ts";
import type { FirmwareRecord } from "../../core/wire/farm.ts";
import type { ImportRecord, ImportRequest } from "../../core/wire/import.ts";
import type { FirmwareImport } from "./firmware-import.ts";
import type { WebSource } from "./web-source.ts";

export interface FirmwareImporterDependencies {
  readonly firmware: FirmwareImport;
  readonly web: WebSource;
  /** Signed URL for agents. */
  readonly blobUrl: (sha256: string) => string;
}

/**
 * Brings firmware of every source into the store.
 * @throws {FarmError} FirmwareUnknown, FirmwareSourceRefused, FirmwareSourceFailed, DigestMismatch, BodyTooLarge,
 * and, with a board, Firmware...
 */
export type ImportFirmware = (request: ImportRequest) => Promise<ImportRecord>;

export function createFirmwareImporter({ firmware, web, blobUrl }: FirmwareImporterDependencies): ImportFirmware {
  async function receive({ artifact, inline, url, sha256 }: ImportRequest): Promise<FirmwareRecord> {
    const wanted = artifact ?? sha256;
    const known = wanted === undefined ? undefined : await firmware.find(wanted);
    if (known) return known;
    if (inline !== undefined) return firmware.receive(Readable.from([Buffer.from(inline, "base64")]), sha256);
    if (url !== undefined) return web.fetch(url, (bytes) => firmware.receive(bytes, sha256));
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
