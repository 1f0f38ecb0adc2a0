import { chmod, chown, copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { BoardSpec, FirmwareFormat } from "../../core/schema/board.ts";
import { loadMethod } from "../emulator/emulator-arguments.ts";
import type { Slot } from "../slot/slot.ts";
import type { FirmwareFiles } from "./boot.ts";

/** Name, in the slot's folder, of an image that a waiting emulator will read. */
const AWAITED_FILE = "firmware.image";

/** Names of image formats in `__dev.emufarm_recycle`. */
const RECYCLE_FORMATS: Partial<Record<FirmwareFormat, string>> = { elf: "elf", bin: "raw", hex: "hex" };

/** What an emulator is started with that will get an image of this format later. */
export function awaitedFirmware(format: FirmwareFormat): FirmwareFiles {
  return { image: AWAITED_FILE, format };
}

/**
 * True where an emulator can wait before it makes its machine. Drives are opened earlier, so a flash cannot be given
 * then.
 */
export function canBeAwaited(board: BoardSpec, format: FirmwareFormat): boolean {
  return format === "linux" || loadMethod(board, format) !== "pflash";
}

/** Properties of QEMU's machine object that tell it its firmware: those that -kernel and its like set. */
export function machineFirmware(board: BoardSpec, files: FirmwareFiles): Record<string, string> {
  if (files.format === "linux") {
    const append = files.append ?? board.firmware.linux?.append;
    return {
      kernel: files.image,
      ...(files.initrd !== undefined && { initrd: files.initrd }),
      ...(files.dtb !== undefined && { dtb: files.dtb }),
      ...(append !== undefined && { append }),
    };
  }
  switch (loadMethod(board, files.format)) {
    case "kernel":
      return { kernel: files.image };
    case "bios":
      return { firmware: files.image };
    case "loader":
    case "pflash":
      return {};
  }
}

/** Puts an image where a waiting emulator will read it, for boards that load it by a device. */
export async function placeAwaited(board: BoardSpec, files: FirmwareFiles, slot: Slot): Promise<void> {
  if (files.format === "linux" || loadMethod(board, files.format) !== "loader") return;
  const path = join(slot.folder, AWAITED_FILE);
  await copyFile(files.image, path);
  await chmod(path, 0o400);
  if (slot.uid !== undefined) await chown(path, slot.uid, slot.uid);
}

/** True where a running emulator can take an image of this format into the machine that it has. */
export function canBeRecycledInto(board: BoardSpec, format: FirmwareFormat): boolean {
  const isLoaded = format === "elf" || format === "hex" || (format === "bin" && addressOf(board) !== undefined);
  return isLoaded && loadMethod(board, format) !== "pflash";
}

/** Arguments of `__dev.emufarm_recycle` that load this firmware. */
export function recycleArguments(board: BoardSpec, files: FirmwareFiles): Record<string, unknown> {
  const format = RECYCLE_FORMATS[files.format];
  const address = files.format === "bin" ? addressOf(board) : undefined;
  return { image: files.image, ...(format && { format }), ...(address !== undefined && { address }) };
}

function addressOf({ firmware }: BoardSpec): number | undefined {
  return firmware.loadAddress;
}
