import { readFileSync } from "node:fs";
import { FarmError } from "../core/error/farm-error.ts";

/**
 * The token that callers of a server must bring, from the file that `EMUFARM_TOKEN_FILE` names.
 * @throws {FarmError} InvalidRequest where the file cannot be read or is empty
 */
export function readTokenFile(path: string): string {
  try {
    const token = readFileSync(path, "utf8").trim();
    if (token !== "") return token;
  } catch (cause) {
    const problems = `EMUFARM_TOKEN_FILE: ${(cause as Error).message}`;
    throw new FarmError("InvalidRequest", { problems }, { cause });
  }
  throw new FarmError("InvalidRequest", { problems: `EMUFARM_TOKEN_FILE: ${path} is empty` });
}
