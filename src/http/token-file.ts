import { readFileSync } from "node:fs";
import { FarmError } from "../core/error/farm-error.ts";

/**
 * The token that callers of a server must bring, from the file that `EMUFARM_TOKEN_FILE` names.
 * @throws {FarmError} InvalidRequest where the file cannot be read or is empty
 */
export function readTokenFile(path: string): string {
  return readSecretFile("EMUFARM_TOKEN_FILE", path);
}

/**
 * One line that a setting names the file of.
 * @throws {FarmError} InvalidRequest where the file cannot be read or is empty
 */
export function readSecretFile(setting: string, path: string): string {
  try {
    const secret = readFileSync(path, "utf8").trim();
    if (secret !== "") return secret;
  } catch (cause) {
    throw new FarmError("InvalidRequest", { problems: `${setting}: ${(cause as Error).message}` }, { cause });
  }
  throw new FarmError("InvalidRequest", { problems: `${setting}: ${path} is empty` });
}
