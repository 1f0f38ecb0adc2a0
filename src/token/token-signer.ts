import { importJWK, SignJWT } from "jose";
import { FarmError } from "../core/error/farm-error.ts";
import { activeOf } from "../core/policy/key-rotation.ts";
import { type SigningKey, TOKEN_LIFE_MS } from "../core/wire/signed-token.ts";

/** Signs tokens for agents. */
export interface TokenSigner {
  /** The token for the agent of this pod; the same one for half of its life. */
  tokenFor(podUid: string): Promise<string>;
  /** A fresh one, for somebody to whom it is given away. */
  freshToken(podUid: string): Promise<{ readonly token: string; readonly expiresAtMs: number }>;
}

export interface TokenSignerOptions {
  /** The signer's keys as they are now. */
  readonly keys: () => Promise<readonly SigningKey[]>;
  /** The wall clock: tokens are for others. */
  readonly clock: () => number;
}

interface Kept {
  readonly token: string;
  readonly kid: string;
  readonly renewAtMs: number;
}

/** Tokens that are remembered: more than there are agents. */
const MAX_KEPT = 20_000;

export function createTokenSigner({ keys, clock }: TokenSignerOptions): TokenSigner {
  const kept = new Map<string, Kept>();

  async function keyNow(nowMs: number): Promise<SigningKey> {
    const key = activeOf(await keys(), nowMs);
    if (key) return key;
    throw new FarmError("Internal", { detail: "there is no key yet that signs tokens for agents" });
  }

  async function sign(podUid: string, key: SigningKey, nowMs: number): Promise<string> {
    const { kid, issuer, scopes, kty, crv, x, d } = key;
    return await new SignJWT({ scope: scopes.join(" ") })
      .setProtectedHeader({ alg: "EdDSA", kid })
      .setIssuer(issuer)
      .setAudience(podUid)
      .setIssuedAt(Math.floor(nowMs / 1_000))
      .setExpirationTime(Math.floor((nowMs + TOKEN_LIFE_MS) / 1_000))
      .sign(await importJWK({ kty, crv, x, d }, "EdDSA"));
  }

  return {
    async tokenFor(podUid) {
      const nowMs = clock();
      const key = await keyNow(nowMs);
      const known = kept.get(podUid);
      if (known?.kid === key.kid && nowMs < known.renewAtMs) return known.token;
      const token = await sign(podUid, key, nowMs);
      if (kept.size >= MAX_KEPT) kept.clear();
      kept.set(podUid, { token, kid: key.kid, renewAtMs: nowMs + TOKEN_LIFE_MS / 2 });
      return token;
    },
    async freshToken(podUid) {
      const nowMs = clock();
      return { token: await sign(podUid, await keyNow(nowMs), nowMs), expiresAtMs: nowMs + TOKEN_LIFE_MS };
    },
  };
}
