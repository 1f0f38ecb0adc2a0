import "reflect-metadata";
import { randomBytes, type webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
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
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const SERIAL_BYTES = 16;
const DAY_MS = 86_400_000;
const AUTHORITY_LIFE_MS = 10 * 365 * DAY_MS;
/** Clocks of nodes differ: a certificate is good a while before it was made. */
const BACKDATED_MS = 10 * 60_000;

/** A new authority, self-signed. */
export async function createAuthority(nowMs: number): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: "CN=emufarm agents",
    notBefore: new Date(nowMs - BACKDATED_MS),
    notAfter: new Date(nowMs + AUTHORITY_LIFE_MS),
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
  return {
    certificate,
    async issue(dnsNames, nowMs, lifeMs) {
      const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
      const issued = await X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: "CN=emufarm agent",
        issuer: issuer.subject,
        notBefore: new Date(nowMs - BACKDATED_MS),
        notAfter: new Date(nowMs + lifeMs),
        publicKey: keys.publicKey,
        signingKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
          new SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: "dns", value }))),
        ],
      });
      return { key: await toPem(keys.privateKey), certificate: issued.toString("pem") };
    },
  };
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
