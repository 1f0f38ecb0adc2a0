import { FarmError } from "../../core/error/farm-error.ts";

/**
 * What comes of writing a file.
 * @param file its path as it was typed
 * @throws {FarmError} InvalidRequest where the file cannot be written
 */
export async function orUnwritable<Value>(writing: Promise<Value>, file: string): Promise<Value> {
  try {
    return await writing;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new FarmError("InvalidRequest", { problems: `${file} cannot be written (${code ?? message})` }, { cause });
  }
}
