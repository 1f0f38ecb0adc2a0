import { open } from "node:fs/promises";
import { orUnwritable } from "../screen/or-unwritable.ts";

/** A file that keeps what the guest wrote, byte for byte. */
export interface SerialLog extends AsyncDisposable {
  /** @throws {FarmError} InvalidRequest where the file cannot be written */
  write(chunk: Buffer): Promise<void>;
}

/**
 * Opened before anything runs, so that a path that leads nowhere is told at once.
 * @param asWritten the path as the caller wrote it
 * @throws {FarmError} InvalidRequest where the file cannot be written
 */
export async function openSerialLog(path: string, asWritten: string): Promise<SerialLog> {
  const file = await orUnwritable(open(path, "w"), asWritten);
  return {
    write: (chunk) => orUnwritable(file.writeFile(chunk), asWritten),
    [Symbol.asyncDispose]: () => file.close(),
  };
}
