import "reflect-metadata";
import { randomBytes, type webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type PublicKeyType,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** A private key with its certificate, both as PEM. */
export interface KeyPair {
  readonly key: string;
  readonly certificate: string;
}

/** Signs the server certificates of agents, which are worth nothing elsewhere. */
export interface CertificateAuthority {
  /** What callers of agents trust, as PEM. */
  readonly certificate: string;
  /** A fresh key with a certificate for these names. */
  issue(dnsNames: readonly string[], nowMs: number, lifeMs: number): Promise<KeyPair>;
  /** A later certificate for the key and the names of this one. */
  renew(certificate: string, nowMs: number, lifeMs: number): Promise<string>;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const SERIAL_BYTES = 16;
const NAME_DIGITS = 12;
/** Clocks of nodes differ: a certificate is good a while before it was made. */
export const BACKDATED_MS = 10 * 60_000;

/** A new authority, self-signed. */
export async function createAuthority(nowMs: number, lifeMs: number): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const serial = serialNumber();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial,
    // Whoever knows two authorities tells them apart by their names.
    name: `CN=emufarm agents ${serial.slice(0, NAME_DIGITS)}`,
    notBefore: new Date(nowMs - BACKDATED_MS),
    notAfter: new Date(nowMs + lifeMs),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { key: await toPem(keys.privateKey), certificate: certificate.toString("pem") };
}

/** @throws where key or certificate cannot be read */
export async function openAuthority({ key, certificate }: KeyPair): Promise<CertificateAuthority> {
  const bytes = Buffer.from(key.replace(/-----[^-]+-----/g, ""), "base64");
  const signingKey = await crypto.subtle.importKey("pkcs8", bytes, ALGORITHM, false, ["sign"]);
  const issuer = new X509Certificate(certificate);

  async function sign(publicKey: PublicKeyType, names: SubjectAlternativeNameExtension, nowMs: number, lifeMs: number) {
    const signed = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: "CN=emufarm agent",
      issuer: issuer.subject,
      notBefore: new Date(nowMs - BACKDATED_MS),
      // None outlives its authority.
      notAfter: new Date(Math.min(nowMs + lifeMs, issuer.notAfter.getTime())),
      publicKey,
      signingKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        names,
      ],
    });
    return signed.toString("pem");
  }

  return {
    certificate,
    async issue(dnsNames, nowMs, lifeMs) {
      const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
      const names = new SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: "dns", value })));
      return { key: await toPem(keys.privateKey), certificate: await sign(keys.publicKey, names, nowMs, lifeMs) };
    },
    async renew(earlier, nowMs, lifeMs) {
      const parsed = new X509Certificate(earlier);
      const names = parsed.getExtension(SubjectAlternativeNameExtension);
      if (!names) throw new TypeError("the certificate is for no name");
      return await sign(parsed.publicKey, names, nowMs, lifeMs);
    },
  };
}

/** From when a certificate is meant to be used: it is good from a while before. */
export function startOf(certificate: string): number {
  return new X509Certificate(certificate).notBefore.getTime() + BACKDATED_MS;
}

/** Positive, as RFC 5280 (4.1.2.2) wants it. */
function serialNumber(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await crypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{1,64}/g, "$&\n")}-----END PRIVATE KEY-----\n`;
}
