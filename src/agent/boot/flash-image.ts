import { chown, copyFile, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import { loadMethod } from "../emulator/emulator-arguments.ts";
import type { Slot } from "../slot/slot.ts";
import type { FirmwareFiles } from "./boot.ts";

/** Erased flash reads as ones. */
const ERASED = 0xff;
const CHUNK_BYTES = 1024 * 1024;

/**
 * Firmware as the emulator takes it. A flash is written by its guest and must have its exact size: it becomes a
 * padded copy in the slot's folder. All else is read only and stays where it is.
 * @throws {FarmError} FirmwareTooLarge
 */
export async function prepareFirmware(board: BoardSpec, files: FirmwareFiles, slot: Slot): Promise<FirmwareFiles> {
  const { flashSizeKiB } = board.firmware;
  if (files.format === "linux" || loadMethod(board, files.format) !== "pflash" || flashSizeKiB === undefined) {
    return files;
  }
  const image = join(slot.folder, "flash.img");
  await writePadded(files.image, image, flashSizeKiB * 1024);
  if (slot.uid !== undefined) await chown(image, slot.uid, slot.uid);
  return { ...files, image };
}

async function writePadded(source: string, target: string, sizeBytes: number): Promise<void> {
  const { size } = await stat(source);
  if (size > sizeBytes) {
    throw new FarmError("FirmwareTooLarge", {
      name: source,
      board: "of this flash",
      problem: `it has ${size} bytes, the flash ${sizeBytes}`,
    });
  }
  await copyFile(source, target);
  await using file = await open(target, "a", 0o600);
  const padding = Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes - size), ERASED);
  for (let left = sizeBytes - size; left > 0; left -= padding.length) {
    await file.write(padding, 0, Math.min(padding.length, left));
  }
}
