import { open } from "node:fs/promises";
import { FarmError } from "../../core/error/farm-error.ts";

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
  const file = await orSay(open(path, "w"), asWritten);
  return {
    write: (chunk) => orSay(file.writeFile(chunk), asWritten),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function orSay<Value>(action: Promise<Value>, asWritten: string): Promise<Value> {
  try {
    return await action;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new FarmError("InvalidRequest", { problems: `${asWritten} cannot be written (${code})` }, { cause });
  }
}
