import { chmod, chown, copyFile, open, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { loadMethod } from "../emulator/emulator-arguments.ts";
import type { BootRequest, FirmwareFiles } from "./boot.ts";

/** Erased flash reads as ones. */
const ERASED = 0xff;
const FLASH_FILE = "flash.img";
const CHUNK_BYTES = 1024 * 1024;

export type FlashOwner = Pick<BootRequest, "boardName" | "board" | "slot">;

/**
 * Firmware as the emulator takes it. A flash is written by its guest and must have its exact size: it becomes a
 * padded copy in the slot's folder. All else is read only and stays where it is.
 * @throws {FarmError} FirmwareTooLarge
 */
export async function prepareFirmware(
  { boardName, board, slot }: FlashOwner,
  files: FirmwareFiles,
): Promise<FirmwareFiles> {
  const { flashSizeKiB } = board.firmware;
  if (files.format === "linux" || loadMethod(board, files.format) !== "pflash" || flashSizeKiB === undefined) {
    return files;
  }
  const image = join(slot.folder, FLASH_FILE);
  const sizeBytes = flashSizeKiB * 1024;
  const { size } = await stat(files.image);
  if (size > sizeBytes) {
    const problem = `it has ${size} bytes, the flash ${sizeBytes}`;
    throw new FarmError("FirmwareTooLarge", { name: basename(files.image), board: boardName, problem });
  }
  await writePadded(files.image, image, sizeBytes - size);
  if (slot.uid !== undefined) await chown(image, slot.uid, slot.uid);
  // Relative to the working folder: the emulator's user need not be able to pass through the folders above.
  return { ...files, image: FLASH_FILE };
}

async function writePadded(source: string, target: string, paddingBytes: number): Promise<void> {
  await copyFile(source, target);
  await chmod(target, 0o600);
  await using file = await open(target, "a");
  const padding = Buffer.alloc(Math.min(CHUNK_BYTES, paddingBytes), ERASED);
  for (let left = paddingBytes; left > 0; left -= padding.length) {
    await file.write(padding, 0, Math.min(padding.length, left));
  }
}
