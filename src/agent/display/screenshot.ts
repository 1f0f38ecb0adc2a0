import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Guest } from "../guest/guest.ts";
import { type BootedGuest, runningBoot } from "../guest/running-boot.ts";

/** A picture of a large display, uncompressed. */
const MAX_BYTES = 64 * 1024 * 1024;
const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * What the board's display shows now, as PNG.
 * @throws {FarmError} NotSupportedByBoard, BoardOff, ScreenshotFailed
 */
export async function takeScreenshot(
  guest: BootedGuest & Pick<Guest, "board" | "boardName" | "slot">,
): Promise<Buffer> {
  if (!guest.board.display) {
    throw new FarmError("NotSupportedByBoard", {
      what: "a screenshot",
      board: guest.boardName,
      problem: "it has no display",
    });
  }
  const { qmp } = await runningBoot(guest, "a screenshot");
  const path = join(guest.slot.folder, `screen-${randomUUID()}.png`);
  try {
    await qmp.execute("screendump", { filename: path, format: "png" });
    return await readPicture(path);
  } catch (cause) {
    const problem = FarmError.from(cause).details.qmpDescription;
    if (problem === undefined) throw cause;
    throw new FarmError("ScreenshotFailed", { problem: `the emulator says: ${problem}` }, { cause });
  } finally {
    await rm(path, { force: true });
  }
}

/** Only a file that lies there itself: a link would be one that a guest has made who has taken its emulator over. */
async function readPicture(path: string): Promise<Buffer> {
  await using file = await openOwn(path);
  const { size } = await file.stat();
  if (size > MAX_BYTES) throw failed(`the picture is larger than ${MAX_BYTES} bytes`);
  const bytes = await file.readFile();
  if (!bytes.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE)) throw failed("what it wrote is no PNG");
  return bytes;
}

async function openOwn(path: string) {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    throw failed(`the picture cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw failed("what it wrote is no file");
}

function failed(problem: string, cause?: unknown): FarmError {
  return new FarmError("ScreenshotFailed", { problem }, cause === undefined ? {} : { cause });
}
