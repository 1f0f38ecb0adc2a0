import { open } from "node:fs/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import { checkFirmware } from "../../core/firmware/check-firmware.ts";
import {
  type FirmwareFacts,
  type FirmwareSample,
  HEAD_BYTES,
  readFirmwareFacts,
  TAIL_BYTES,
} from "../../core/firmware/firmware-facts.ts";
import type { BoardSpec, FirmwareFormat } from "../../core/schema/board.ts";
import type { FirmwareReference } from "../../core/schema/job.ts";
import type { FirmwareFiles } from "../boot/boot.ts";
import type { Progress } from "../progress.ts";
import type { FirmwareCache } from "./firmware-cache.ts";
import type { FirmwareDownload } from "./firmware-download.ts";

const MAX_KNOWN_FACTS = 1_000;

/** Files of a firmware that stay where they are until they are disposed of. */
export interface HeldFirmware extends Disposable {
  readonly files: FirmwareFiles;
}

export interface FirmwareWanted {
  readonly reference: FirmwareReference;
  readonly urls: Readonly<Record<string, string>>;
  readonly board: BoardSpec;
  readonly boardName: string;
}

/** Firmware for guests. @throws {FarmError} FirmwareFetchFailed, what is wrong with the image, or the progress' reason */
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
  /** Facts of images by digest: hundreds of tests run one image. */
  const known = new Map<string, FirmwareFacts>();
  const factsOf = async (sha256: string): Promise<FirmwareFacts> => {
    const facts = known.get(sha256) ?? readFirmwareFacts(await sampleOf(cache.pathOf(sha256)));
    if (known.size >= MAX_KNOWN_FACTS) known.clear();
    known.set(sha256, facts);
    return facts;
  };
  return async (wanted, progress) => {
    const { reference, urls } = wanted;
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
        format: formatOf(await factsOf(reference.sha256), wanted),
        ...(reference.initrd && { initrd: cache.pathOf(reference.initrd.sha256) }),
        ...(reference.dtb && { dtb: cache.pathOf(reference.dtb.sha256) }),
        ...(reference.append !== undefined && { append: reference.append }),
        identity: [reference, reference.initrd, reference.dtb].map((part) => part?.sha256 ?? "none").join(" "),
      };
      return { files, [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  };
}

/** Checked here as well as where a job is taken in: some callers have no store to look into. */
function formatOf(facts: FirmwareFacts, { reference, board, boardName }: FirmwareWanted): FirmwareFormat {
  const { sha256, name = sha256, format } = reference;
  return checkFirmware({ name, facts, format, boardName, board });
}

async function sampleOf(path: string): Promise<FirmwareSample> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const read = async (from: number, length: number) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
    return buffer.subarray(0, bytesRead);
  };
  const head = await read(0, Math.min(HEAD_BYTES, size));
  return { head, tail: await read(Math.max(0, size - TAIL_BYTES), Math.min(TAIL_BYTES, size)), sizeBytes: size };
}
