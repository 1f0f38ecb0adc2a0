import { generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { expect, test } from "vitest";
import type { PublicKeySet, Signer, SigningKey } from "../../src/core/wire/signed-token.ts";
import { createSigningKey, publicKeysOf } from "../../src/token/signing-keys.ts";
import { createTokenSigner } from "../../src/token/token-signer.ts";
import { createTokenVerifier } from "../../src/token/token-verifier.ts";

const POD = "0c9e2f6e-1d0b-4d93-9f0b-6a1f2f3f4a5b";
const NOON_MS = Date.parse("2026-01-02T12:00:00Z");
const MINUTE_MS = 60_000;

interface Sides {
  readonly signerClockMs?: number;
  readonly agentClockMs?: number;
  readonly audience?: string;
}

async function sides(
  signerName: Signer,
  { signerClockMs = NOON_MS, agentClockMs = NOON_MS, audience = POD }: Sides = {},
) {
  const key = await createSigningKey(signerName, 0);
  const signer = createTokenSigner({ keys: async () => [key], clock: () => signerClockMs });
  const verify = createTokenVerifier({
    readKeys: async () => publicKeysOf([key]),
    audience,
    clock: () => agentClockMs,
  });
  return { key, signer, verify };
}

test.each([
  ["operator", ["configure"]],
  ["dispatcher", ["run"]],
  ["api", ["channel"]],
] as const)("a token of the %s is good for %j, and no more", async (name, scopes) => {
  const { signer, verify } = await sides(name);
  expect(await verify(await signer.tokenFor(POD))).toEqual({ issuer: name, scopes });
});

test("a key is good for its own scopes, whatever its token claims", async () => {
  const { key, verify } = await sides("api");
  const { importJWK } = await import("jose");
  const { kty, crv, x, d, kid } = key;
  const token = await new SignJWT({ scope: "configure run channel" })
    .setProtectedHeader({ alg: "EdDSA", kid })
    .setIssuer("api")
    .setAudience(POD)
    .setIssuedAt(NOON_MS / 1_000)
    .setExpirationTime(NOON_MS / 1_000 + 60)
    .sign(await importJWK({ kty, crv, x, d }, "EdDSA"));
  expect((await verify(token)).scopes).toEqual(["channel"]);
});

test.each([
  ["30 s ahead", 30_000],
  ["30 s behind", -30_000],
])("a clock that is %s works", async (_what, skewMs) => {
  const { signer, verify } = await sides("operator", { agentClockMs: NOON_MS + skewMs });
  await verify(await signer.tokenFor(POD));
});

test.each([
  ["10 min ahead", 10 * MINUTE_MS, "2026-01-02T12:10:00.000Z"],
  ["10 min behind", -10 * MINUTE_MS, "2026-01-02T11:50:00.000Z"],
])("a clock that is %s is refused, and both clocks are named", async (_what, skewMs, here) => {
  const { signer, verify } = await sides("operator", { agentClockMs: NOON_MS + skewMs });
  const token = await signer.tokenFor(POD);
  for (const _again of [1, 2]) {
    await expect(verify(token)).rejects.toMatchObject({
      code: "ClocksDiffer",
      message: expect.stringContaining(
        `signed at 2026-01-02T12:00:00.000Z by the clock of the operator, and the clock here says ${here}`,
      ),
    });
  }
});

test("a token is good for one pod", async () => {
  const { signer, verify } = await sides("operator", { audience: "another" });
  await expect(verify(await signer.tokenFor(POD))).rejects.toMatchObject({
    code: "TokenRefused",
    message: expect.stringContaining("it is for another pod"),
  });
});

test("what nobody of the farm has signed is refused", async () => {
  const { key, signer, verify } = await sides("operator");
  const stranger = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const claims = () =>
    new SignJWT({ scope: "configure" })
      .setIssuer("operator")
      .setAudience(POD)
      .setIssuedAt(NOON_MS / 1_000)
      .setExpirationTime(NOON_MS / 1_000 + 60);
  const [header, , signature] = (await signer.tokenFor(POD)).split(".");
  const body = Buffer.from(JSON.stringify({ iss: "operator", aud: POD, scope: "configure run channel" }));
  const refused: readonly [string, RegExp][] = [
    ["", /none of the farm's/],
    ["a-token-of-old", /none of the farm's/],
    [new UnsecuredJWT({ aud: POD, scope: "configure" }).encode(), /none of the farm's/],
    [
      await claims().setProtectedHeader({ alg: "EdDSA", kid: key.kid }).sign(stranger.privateKey),
      /its signature is not that of its key/,
    ],
    [
      await claims().setProtectedHeader({ alg: "EdDSA", kid: "made-up" }).sign(stranger.privateKey),
      /a key \(made-up\) that the farm does not use/,
    ],
    [
      await claims().setProtectedHeader({ alg: "HS256", kid: key.kid }).sign(Buffer.from(key.x, "base64url")),
      /none of the farm's/,
    ],
    [`${header}.${body.toString("base64url")}.${signature}`, /its signature is not that of its key/],
  ];
  for (const [token, problem] of refused) {
    await expect(verify(token)).rejects.toMatchObject({
      code: "TokenRefused",
      message: expect.stringMatching(problem),
    });
  }
});

test("a token without an end is none", async () => {
  const { key, verify } = await sides("operator");
  const { importJWK } = await import("jose");
  const { kty, crv, x, d, kid } = key;
  const token = await new SignJWT({ scope: "configure" })
    .setProtectedHeader({ alg: "EdDSA", kid })
    .setIssuer("operator")
    .setAudience(POD)
    .setIssuedAt(NOON_MS / 1_000)
    .sign(await importJWK({ kty, crv, x, d }, "EdDSA"));
  await expect(verify(token)).rejects.toMatchObject({ code: "TokenRefused" });
});

test("a key that comes is known at once, and one that goes takes its tokens with it", async () => {
  const [first, second] = [await createSigningKey("operator", 0), await createSigningKey("operator", NOON_MS + 1)];
  let now = NOON_MS;
  let signing: SigningKey[] = [first];
  let published: PublicKeySet = publicKeysOf([first]);
  let reads = 0;
  const signer = createTokenSigner({ keys: async () => signing, clock: () => now });
  const verify = createTokenVerifier({
    readKeys: async () => {
      reads += 1;
      return published;
    },
    audience: POD,
    clock: () => now,
  });
  const early = await signer.tokenFor(POD);
  await verify(early);
  expect(await signer.tokenFor(POD)).toBe(early);
  expect(reads).toBe(1);

  // The successor signs from its time on, without waiting for the kept token's end.
  signing = [first, second];
  published = publicKeysOf(signing);
  now += 1;
  const late = await signer.tokenFor(POD);
  expect(late).not.toBe(early);
  await expectEventually(() => verify(late));
  await verify(early);

  published = publicKeysOf([second]);
  const next = createTokenVerifier({ readKeys: async () => published, audience: POD, clock: () => now });
  await next(late);
  await expect(next(early)).rejects.toMatchObject({ code: "TokenRefused" });
});

/** Names of keys that are not known read the file once in a second, not each time. */
async function expectEventually(act: () => Promise<unknown>): Promise<void> {
  await expect
    .poll(
      () =>
        act().then(
          () => "accepted",
          (error: { code: string }) => error.code,
        ),
      { timeout: 10_000 },
    )
    .toBe("accepted");
}
