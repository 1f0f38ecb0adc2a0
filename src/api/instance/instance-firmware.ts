import { contentDigest } from "../../client/content-digest.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import type { FirmwareSource, ImageSource } from "../../core/schema/firmware-source.ts";
import type { ImportRecord, ImportRequest } from "../../core/wire/import.ts";
import type { ImportFirmware } from "../firmware/firmware-importer.ts";
import type { StoredFirmware } from "./instance-record.ts";

/** What tells one wish for firmware from another. */
export function sourceKeyOf(source: FirmwareSource, board: BoardSpec): string {
  return contentDigest([source, board]);
}

/** True where the bytes come with the request or are in the store: nobody has to be waited for. */
export function isAtHand({ initrd, dtb, ...main }: FirmwareSource): boolean {
  return [main, initrd, dtb].every((one) => one?.url === undefined && one?.image === undefined);
}

/**
 * Brings all files of a firmware into the store, and checks it against its board.
 * @throws {FarmError} as the importer
 */
export async function bringFirmware(
  importFirmware: ImportFirmware,
  source: FirmwareSource,
  board: { readonly name: string; readonly spec: BoardSpec },
): Promise<StoredFirmware> {
  const { format, initrd, dtb, append, ...main } = source;
  const bring = (file: ImageSource): Promise<ImportRecord> => importFirmware(requestOf(file));
  const record = await importFirmware({ ...requestOf(main), board, ...(format && { format }) });
  const [initrdRecord, dtbRecord] = await Promise.all([initrd && bring(initrd), dtb && bring(dtb)]);
  return {
    sourceKey: sourceKeyOf(source, board.spec),
    reference: {
      sha256: record.sha256,
      ...(format && { format }),
      ...(initrdRecord && { initrd: { sha256: initrdRecord.sha256 } }),
      ...(dtbRecord && { dtb: { sha256: dtbRecord.sha256 } }),
      ...(append !== undefined && { append }),
    },
    sizeBytes: record.sizeBytes,
    ...(record.format && { format: record.format }),
  };
}

function requestOf({ url, image, artifact, inline, sha256 }: ImageSource): ImportRequest {
  return {
    ...(url !== undefined && { url }),
    ...(image !== undefined && { image }),
    ...(artifact !== undefined && { artifact }),
    ...(inline !== undefined && { inline }),
    ...(sha256 !== undefined && { sha256 }),
  };
}
