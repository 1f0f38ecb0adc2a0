import { open } from "node:fs/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import type { BoardSpec, FirmwareFormat } from "../../core/schema/board.ts";
import type { FirmwareReference } from "../../core/schema/job.ts";
import type { FirmwareFiles } from "../boot/boot.ts";
import type { Progress } from "../progress.ts";
import type { FirmwareCache } from "./firmware-cache.ts";
import type { FirmwareDownload } from "./firmware-download.ts";

/** Files of a firmware that stay where they are until they are disposed of. */
export interface HeldFirmware extends Disposable {
  readonly files: FirmwareFiles;
}

export interface FirmwareWanted {
  readonly reference: FirmwareReference;
  readonly urls: Readonly<Record<string, string>>;
  readonly board: BoardSpec;
}

/** Firmware for guests. @throws {FarmError} FirmwareFetchFailed, or the reason of the progress' end */
export type FirmwareSupply = (wanted: FirmwareWanted, progress: Progress) => Promise<HeldFirmware>;

export function createFirmwareSupply(cache: FirmwareCache, download: FirmwareDownload): FirmwareSupply {
  const hold = async (sha256: string, urls: FirmwareWanted["urls"], progress: Progress): Promise<void> => {
    // Between the end of a download and the hold a very full cache could drop the file again.
    while (!cache.hold(sha256)) {
      const url = urls[sha256];
      if (url === undefined) {
        throw new FarmError("FirmwareFetchFailed", { sha256, detail: "it is not here, and no URL came with it" });
      }
      await download(sha256, url, progress);
    }
  };
  return async ({ reference, urls, board }, progress) => {
    const held: string[] = [];
    const release = () => {
      for (const sha256 of held.splice(0)) cache.release(sha256);
    };
    try {
      const parts = [reference, reference.initrd, reference.dtb].filter((part) => part !== undefined);
      for (const { sha256 } of parts) {
        await hold(sha256, urls, progress);
        held.push(sha256);
      }
      const image = cache.pathOf(reference.sha256);
      const files: FirmwareFiles = {
        image,
        format: reference.format ?? (await formatOf(image, board)),
        ...(reference.initrd && { initrd: cache.pathOf(reference.initrd.sha256) }),
        ...(reference.dtb && { dtb: cache.pathOf(reference.dtb.sha256) }),
        ...(reference.append !== undefined && { append: reference.append }),
      };
      return { files, [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  };
}

const ELF_MAGIC = "\x7fELF";

/** Of the formats that the board takes, the one that the first bytes tell. */
async function formatOf(path: string, { firmware }: BoardSpec): Promise<FirmwareFormat> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(ELF_MAGIC.length), 0, ELF_MAGIC.length, 0);
    const magic = buffer.toString("latin1", 0, bytesRead);
    if (magic === ELF_MAGIC) return "elf";
    if (magic.startsWith(":") && firmware.formats.includes("hex")) return "hex";
    return firmware.formats.find((format) => format !== "elf" && format !== "hex") ?? "bin";
  } finally {
    await file.close();
  }
}
