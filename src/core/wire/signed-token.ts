import { z } from "zod";

/** What a caller of an agent may do: run boards of instances, carry out attempts, use the channels of a guest. */
export const TOKEN_SCOPES = ["configure", "run", "channel"] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** Who signs tokens, and what each one's are good for. */
export const SIGNER_SCOPES = {
  operator: ["configure"],
  dispatcher: ["run"],
  api: ["channel"],
} as const satisfies Record<string, readonly TokenScope[]>;
export type Signer = keyof typeof SIGNER_SCOPES;
export const SIGNERS = Object.keys(SIGNER_SCOPES) as readonly Signer[];

/** Longest life of a token. */
export const TOKEN_LIFE_MS = 5 * 60_000;
/** How far apart two clocks of the farm may be. */
export const CLOCK_TOLERANCE_MS = 60_000;

const publicKey = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string().min(1).describe("The public key, base64url."),
  kid: z.string().min(1).describe("Name of the key, which tokens carry."),
  issuer: z.string().min(1).describe("Who signs with it."),
  scopes: z.array(z.string()).describe("What tokens of this key can be good for; agents ignore what they do not know."),
});

/** The file with the keys that an agent takes tokens of: a JWK set (RFC 7517) with who signs, and for what. */
export const publicKeySet = z.object({ keys: z.array(publicKey) });
export type PublicKeySet = z.infer<typeof publicKeySet>;
export type PublicKey = z.infer<typeof publicKey>;

/** A key that signs: the private half (`d`), and from when it does. */
export const signingKey = publicKey.extend({ d: z.string().min(1), activeFromMs: z.number().int() });
export type SigningKey = z.infer<typeof signingKey>;

/** The file with the keys of one signer: at most the one that signs, and its predecessor or successor. */
export const signingKeySet = z.object({ keys: z.array(signingKey) });
