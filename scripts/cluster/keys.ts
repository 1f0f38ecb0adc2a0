/** The certificates of a cluster: one authority, a client's for each component, servers' for the API and the nodes. */
import "reflect-metadata";
import { generateKeyPairSync, randomBytes, type webcrypto } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { addressOf, type ClusterSettings, keysFolder, NODES } from "./settings.ts";
import { inside } from "./tools.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;

interface Authority {
  readonly certificate: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

interface Subject {
  readonly commonName: string;
  readonly organization?: string;
  readonly server?: readonly JsonGeneralName[];
}

/** Writes keys, certificates and kubeconfigs. Where they are there, nothing is done. */
export async function makeKeys(settings: ClusterSettings): Promise<void> {
  const folder = keysFolder(settings);
  if (existsSync(settings.kubeconfig)) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 });
  const authority = await makeAuthority("emufarm-cluster");
  const frontProxy = await makeAuthority("emufarm-cluster-front-proxy");
  for (const [name, { certificate, keys }] of Object.entries({ ca: authority, "front-proxy-ca": frontProxy })) {
    write(`${name}.crt`, certificate.toString("pem"));
    write(`${name}.key`, await toPem(keys.privateKey));
  }
  const issued = new Map<string, KeyPair>();
  for (const [name, subject] of Object.entries(subjects(settings))) {
    const pair = await issue(name === "front-proxy-client" ? frontProxy : authority, subject);
    issued.set(name, pair);
    write(`${name}.crt`, pair.certificate);
    write(`${name}.key`, pair.key);
  }
  const accounts = generateKeyPairSync("rsa", { modulusLength: 2048 });
  write("service-accounts.key", accounts.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  write("service-accounts.pub", accounts.publicKey.export({ type: "spki", format: "pem" }).toString());
  const clients = [
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "network-policy",
    "local-volumes",
    ...NODES,
  ];
  for (const name of clients) write(`${name}.kubeconfig`, kubeconfig(settings, authority, issued.get(name)));
  writeFileSync(settings.kubeconfig, kubeconfig(settings, authority, issued.get("admin")), { mode: 0o600 });
}

/** Where a machine finds a file of these. */
export function keyFile(name: string): string {
  return `${inside.keys}/${name}`;
}

function subjects(settings: ClusterSettings): Record<string, Subject> {
  const dns = (value: string): JsonGeneralName => ({ type: "dns", value });
  const ip = (value: string): JsonGeneralName => ({ type: "ip", value });
  const kubernetes = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
  const apiServer = [
    ...["localhost", ...kubernetes, "kubernetes.default.svc.cluster.local"].map(dns),
    ...["127.0.0.1", addressOf(settings, "control-plane"), `${settings.services}.0.1`].map(ip),
  ];
  const components = ["kube-controller-manager", "kube-scheduler", "kube-proxy"];
  const nodes = NODES.flatMap((node): [string, Subject][] => {
    const commonName = `system:node:${node}`;
    const server = [dns(node), ip(addressOf(settings, node))];
    return [
      [node, { commonName, organization: "system:nodes" }],
      [`${node}-server`, { commonName, server }],
    ];
  });
  return {
    apiserver: { commonName: "kube-apiserver", server: apiServer },
    "apiserver-kubelet-client": { commonName: "kube-apiserver-kubelet-client", organization: "system:masters" },
    "front-proxy-client": { commonName: "front-proxy-client" },
    "network-policy": { commonName: "network-policy", organization: "system:masters" },
    "local-volumes": { commonName: "local-volumes", organization: "system:masters" },
    admin: { commonName: "kubernetes-admin", organization: "system:masters" },
    ...Object.fromEntries(components.map((name): [string, Subject] => [name, { commonName: `system:${name}` }])),
    ...Object.fromEntries(nodes),
  };
}

interface KeyPair {
  readonly key: string;
  readonly certificate: string;
}

async function makeAuthority(name: string): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...frame(),
    name: `CN=${name}`,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
    ],
  });
  return { certificate, keys };
}

async function issue(authority: Authority, { commonName, organization, server }: Subject): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    ...frame(),
    subject: organization === undefined ? `CN=${commonName}` : `O=${organization}, CN=${commonName}`,
    issuer: authority.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([server ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth]),
      ...(server ? [new SubjectAlternativeNameExtension([...server])] : []),
    ],
  });
  return { key: await toPem(keys.privateKey), certificate: certificate.toString("pem") };
}

/** What all certificates have. A serial number is positive: RFC 5280, 4.1.2.2. */
function frame() {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return {
    serialNumber: serial.toString("hex"),
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 3650 * DAY_MS),
    signingAlgorithm: ALGORITHM,
  };
}

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await crypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{1,64}/g, "$&\n")}-----END PRIVATE KEY-----\n`;
}

/** With everything in it, so that it works from any folder; YAML is a superset of JSON. */
function kubeconfig(settings: ClusterSettings, authority: Authority, pair: KeyPair | undefined): string {
  if (pair === undefined) throw new Error("a kubeconfig for a user without a certificate");
  const data = (text: string) => Buffer.from(text).toString("base64");
  const { name, apiServer: server } = settings;
  const user = { "client-certificate-data": data(pair.certificate), "client-key-data": data(pair.key) };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name, cluster: { server, "certificate-authority-data": data(authority.certificate.toString("pem")) } },
    ],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  });
}
