import { readFile } from "node:fs/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import { type PublicKeySet, publicKeySet, type TokenScope } from "../../core/wire/signed-token.ts";
import type { Admit, AskedRoute } from "../../http/trust.ts";
import type { VerifyToken } from "../../token/token-verifier.ts";

const ANY: readonly TokenScope[] = ["configure", "run", "channel"];

/** What a caller must be good for, by route. What is not here belongs to the channels of a guest, or to nobody. */
const SCOPES: Readonly<Record<string, readonly TokenScope[]>> = {
  "GET /v1/info": ANY,
  "POST /v1/boards/check": ANY,
  "GET /v1/events": ["configure", "run"],
  "POST /v1/cordon": ["configure"],
  "PUT /v1/certificate": ["configure"],
  "PUT /v1/desired": ["configure"],
  "GET /v1/instances": ["configure"],
  "GET /v1/instances/:uid": ["configure", "channel"],
  "DELETE /v1/instances/:uid": ["configure"],
  "PUT /v1/firmware/:sha256": ["run"],
  "GET /v1/attempts": ["configure", "run"],
  "GET /v1/attempts/:id": ["run", "channel"],
  "PUT /v1/attempts/:id": ["run"],
  "POST /v1/attempts/:id/cancel": ["run"],
  "POST /v1/acknowledgements": ["run"],
  "GET /v1/attempts/:id/uarts/:uart/log": ["run", "channel"],
  "GET /v1/attempts/:id/artifacts/:name": ["run", "channel"],
};
const CHANNELS = /^\/v1\/(attempts|instances)\/:\w+\/./;

/** Scopes that a route takes, one of which is enough; none: it is nobody's. */
export function scopesOf({ method, route = "" }: AskedRoute): readonly TokenScope[] {
  return SCOPES[`${method} ${route}`] ?? (CHANNELS.test(route) ? ["channel"] : []);
}

/** Takes callers whose signed token is good for the route. */
export function createAdmission(verify: VerifyToken): Admit {
  return async (token, asked) => {
    const { issuer, scopes } = await verify(token);
    // What is not there is told as such.
    if (asked.route === undefined) return undefined;
    const taken = scopesOf(asked);
    if (taken.some((scope) => scopes.includes(scope))) return undefined;
    const has = scopes.join(", ") || "nothing";
    const problem = `${asked.method} ${asked.route} takes ${taken.join(" or ") || "nobody"}; the token of the ${issuer} is good for ${has}`;
    throw new FarmError("Forbidden", { problem });
  };
}

/** The keys as they are in the file now: the node replaces it when they change. */
export async function readPublicKeys(file: string): Promise<PublicKeySet> {
  try {
    return publicKeySet.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    const detail = `the keys of the farm cannot be read from ${file} (${(cause as Error).message})`;
    throw new FarmError("Internal", { detail }, { cause });
  }
}
