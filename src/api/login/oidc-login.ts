import { createRemoteJWKSet, decodeJwt, errors, jwtVerify } from "jose";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Identify, Somebody } from "./somebody.ts";

export interface OidcOptions {
  /** URL of the identity provider, as its tokens name it. */
  readonly issuer: string;
  /** Whom its tokens must be for: the farm's client id. */
  readonly audience: string;
  readonly usernameClaim: string;
  readonly groupsClaim: string;
  /** Before names and groups, so that nobody there is taken for somebody of the cluster's own. */
  readonly prefix: string;
}

type KeySet = ReturnType<typeof createRemoteJWKSet>;

const discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"];
const ANSWER_MS = 5_000;

/** Takes tokens of an identity provider. Asks for those of others with `other`. */
export function createOidcLogin(options: OidcOptions, other: Identify): Identify {
  const { issuer, audience } = options;
  let keys: Promise<KeySet> | undefined;

  async function keysNow(): Promise<KeySet> {
    keys ??= findKeys(issuer);
    // A provider that is away for a while is asked again.
    keys.catch(() => {
      keys = undefined;
    });
    return await keys;
  }

  return async (token) => {
    if (issuerOf(token) !== issuer) return await other(token);
    const keySet = await keysNow();
    try {
      const { payload } = await jwtVerify(token, keySet, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ["exp"],
        clockTolerance: 30,
      });
      return somebodyOf(payload, options);
    } catch (cause) {
      if (cause instanceof FarmError) throw cause;
      throw new FarmError("TokenRefused", { problem: problemOf(cause, audience) }, { cause });
    }
  };
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    // Not every token is a JWT: the cluster may know it.
    return undefined;
  }
}

async function findKeys(issuer: string): Promise<KeySet> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS), redirect: "error" });
    const found = discovery.parse(await answer.json());
    if (found.issuer !== issuer) throw new TypeError(`it calls itself ${found.issuer}`);
    return createRemoteJWKSet(new URL(found.jwks_uri), { timeoutDuration: ANSWER_MS });
  } catch (cause) {
    const detail = `the identity provider at ${url} does not answer as one (${(cause as Error).message})`;
    throw new FarmError("ClusterUnreachable", { detail }, { cause });
  }
}

function somebodyOf(claims: Readonly<Record<string, unknown>>, options: OidcOptions): Somebody {
  const { usernameClaim, groupsClaim, prefix } = options;
  const name = claims[usernameClaim];
  if (typeof name !== "string" || name === "") {
    throw new FarmError("TokenRefused", { problem: `it names nobody in its claim ${usernameClaim}` });
  }
  if (usernameClaim === "email" && claims.email_verified === false) {
    throw new FarmError("TokenRefused", { problem: "its provider has not verified the address in it" });
  }
  const groups = claims[groupsClaim];
  const named = (Array.isArray(groups) ? groups : [groups]).filter((group) => typeof group === "string");
  return { username: prefix + name, groups: ["system:authenticated", ...named.map((group) => prefix + group)] };
}

function problemOf(error: unknown, audience: string): string {
  if (error instanceof errors.JWTExpired) return "its time is over; log in again";
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === "aud") return `it is not for ${audience}`;
  if (error instanceof errors.JOSEError) return `its identity provider did not make it so (${error.message})`;
  return "its identity provider cannot be asked about it";
}
