import { readFileSync } from "node:fs";
import { FarmError } from "../core/error/farm-error.ts";

/** What a server shows that it is the one it is called, as PEM. */
export interface ServerIdentity {
  readonly key: string;
  readonly certificate: string;
}

/**
 * A server's key and certificate from their files; undefined where neither is named.
 * @throws {FarmError} InvalidRequest where one of them is missing or cannot be read
 */
export function readServerIdentity(
  keyFile: string | undefined,
  certificateFile: string | undefined,
): ServerIdentity | undefined {
  if (keyFile === undefined && certificateFile === undefined) return undefined;
  if (keyFile === undefined || certificateFile === undefined) {
    const problems = "EMUFARM_TLS_KEY_FILE and EMUFARM_TLS_CERTIFICATE_FILE belong together: one is missing";
    throw new FarmError("InvalidRequest", { problems });
  }
  return {
    key: read("EMUFARM_TLS_KEY_FILE", keyFile),
    certificate: read("EMUFARM_TLS_CERTIFICATE_FILE", certificateFile),
  };
}

function read(setting: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new FarmError("InvalidRequest", { problems: `${setting}: ${(cause as Error).message}` }, { cause });
  }
}
