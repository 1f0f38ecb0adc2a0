import { decodeProtectedHeader, errors, importJWK, jwtVerify } from "jose";
import { FarmError } from "../core/error/farm-error.ts";
import {
  CLOCK_TOLERANCE_MS,
  type PublicKey,
  type PublicKeySet,
  TOKEN_LIFE_MS,
  TOKEN_SCOPES,
  type TokenScope,
} from "../core/wire/signed-token.ts";

/** What a token says, once it is believed. */
export interface Caller {
  readonly issuer: string;
  readonly scopes: readonly TokenScope[];
}

export interface TokenVerifierOptions {
  /** The keys as they are now, read anew. */
  readonly readKeys: () => Promise<PublicKeySet>;
  /** Uid of the own pod. */
  readonly audience: string;
  /** The wall clock. */
  readonly clock: () => number;
}

/** @throws {FarmError} TokenRefused, ClocksDiffer */
export type VerifyToken = (token: string) => Promise<Caller>;

/** Keys that were taken back are refused after this time, without a watch on a file. */
const KEYS_LIFE_MS = 10_000;
/** A key that is not known may just have come: but a stranger's made-up names do not read the file all the time. */
const KEYS_PATIENCE_MS = 1_000;
const MAX_REMEMBERED = 1_000;

interface Remembered {
  readonly caller: Caller;
  readonly kid: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** Checks tokens against keys that come and go. What was checked once is remembered as long as its key is there. */
export function createTokenVerifier({ readKeys, audience, clock }: TokenVerifierOptions): VerifyToken {
  let keys: ReadonlyMap<string, PublicKey> = new Map();
  let readAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  const remembered = new Map<string, Remembered>();

  async function read(): Promise<void> {
    const set = await readKeys();
    keys = new Map(set.keys.map((key) => [key.kid, key]));
    readAtMs = performance.now();
    for (const [token, { kid }] of remembered) if (!keys.has(kid)) remembered.delete(token);
  }

  async function keyOf(kid: string): Promise<PublicKey> {
    const ageMs = performance.now() - readAtMs;
    if (ageMs > (keys.has(kid) ? KEYS_LIFE_MS : KEYS_PATIENCE_MS)) {
      reading ??= read().finally(() => {
        reading = undefined;
      });
      await reading;
    }
    const key = keys.get(kid);
    if (key) return key;
    throw new FarmError("TokenRefused", { problem: `it is signed with a key (${kid}) that the farm does not use` });
  }

  return async (token) => {
    const kid = kidOf(token);
    const key = await keyOf(kid);
    const known = remembered.get(token);
    if (known) {
      checkClock(known, clock());
      return known.caller;
    }
    const believed = await verify(token, kid, key, audience);
    checkClock(believed, clock());
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(token, believed);
    return believed.caller;
  };
}

function kidOf(token: string): string {
  try {
    const { kid, alg } = decodeProtectedHeader(token);
    if (typeof kid === "string" && alg === "EdDSA") return kid;
  } catch (cause) {
    throw new FarmError("TokenRefused", { problem: "it is none of the farm's signed tokens" }, { cause });
  }
  throw new FarmError("TokenRefused", { problem: "it is none of the farm's signed tokens" });
}

async function verify(token: string, kid: string, key: PublicKey, audience: string): Promise<Remembered> {
  try {
    const { kty, crv, x } = key;
    const { payload } = await jwtVerify(token, await importJWK({ kty, crv, x }, "EdDSA"), {
      algorithms: ["EdDSA"],
      issuer: key.issuer,
      audience,
      requiredClaims: ["iat", "exp", "scope"],
      // Of time we judge ourselves, so that the refusal can name both clocks.
      currentDate: new Date(0),
    });
    const asked = String(payload.scope).split(" ");
    const scopes = TOKEN_SCOPES.filter((scope) => key.scopes.includes(scope) && asked.includes(scope));
    const issuedAtMs = Number(payload.iat) * 1_000;
    const expiresAtMs = Math.min(Number(payload.exp) * 1_000, issuedAtMs + TOKEN_LIFE_MS);
    return { caller: { issuer: key.issuer, scopes }, kid, issuedAtMs, expiresAtMs };
  } catch (cause) {
    throw new FarmError("TokenRefused", { problem: refusalOf(cause) }, { cause });
  }
}

function refusalOf(error: unknown): string {
  if (!(error instanceof errors.JOSEError)) return "it cannot be read";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature is not that of its key";
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === "aud") return "it is for another pod";
  return `its claims are wrong (${error.message})`;
}

function checkClock({ caller, issuedAtMs, expiresAtMs }: Remembered, nowMs: number): void {
  if (issuedAtMs <= nowMs + CLOCK_TOLERANCE_MS && nowMs <= expiresAtMs + CLOCK_TOLERANCE_MS) return;
  throw new FarmError("ClocksDiffer", {
    signer: caller.issuer,
    signedAt: new Date(issuedAtMs).toISOString(),
    here: new Date(nowMs).toISOString(),
    toleranceSeconds: CLOCK_TOLERANCE_MS / 1_000,
  });
}
