import { randomBytes } from "node:crypto";
import { exportJWK, generateKeyPair } from "jose";
import { type PublicKeySet, SIGNER_SCOPES, type Signer, type SigningKey } from "../core/wire/signed-token.ts";

const NAME_BYTES = 8;

/** A fresh key for this signer. */
export async function createSigningKey(issuer: Signer, activeFromMs: number): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { x = "", d = "" } = await exportJWK(privateKey);
  const kid = `${issuer}-${randomBytes(NAME_BYTES).toString("hex")}`;
  return { kty: "OKP", crv: "Ed25519", x, d, kid, issuer, scopes: [...SIGNER_SCOPES[issuer]], activeFromMs };
}

/** What agents need of these keys, which is no secret. */
export function publicKeysOf(keys: readonly SigningKey[]): PublicKeySet {
  return { keys: keys.map(({ kty, crv, x, kid, issuer, scopes }) => ({ kty, crv, x, kid, issuer, scopes })) };
}
