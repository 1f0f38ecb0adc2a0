import "reflect-metadata";
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes, webcrypto } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { untilTrue } from "../../../scripts/cluster/readiness.ts";
import { missingTools, programFolders } from "../../../scripts/cluster/tools.ts";
import { ownCacheFolder } from "../../../scripts/setup/folders.mjs";
import type { S3Settings } from "../../../src/api/store/s3-bucket.ts";
import { freePort } from "../../free-port.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

const READY_MS = 60_000;
const PORT_ATTEMPTS = 3;
const DAY_MS = 86_400_000;

/** A real S3 server (versitygw) with one bucket, which keeps objects as files. */
export interface S3Server extends AsyncDisposable {
  /** With all rights, for the bucket as a whole. */
  readonly settings: S3Settings;
  /** For one farm more, in a part of its own of the one bucket. */
  settingsOfOne(): S3Settings;
  /** The bucket's folder: objects by their keys. */
  readonly folder: string;
  /** Kills it; what it has stays. */
  stop(): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
  /** SIGSTOP and SIGCONT: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
}

/** Why there is no S3 server here, for `describe.skipIf` and its name; undefined where there is. */
export function noS3Server(): string | undefined {
  return missingTools(ownCacheFolder(), ["s3-server"]).length === 0
    ? undefined
    : "the S3 server is not built: npm run cluster -- build s3-server";
}

/** @param options.host its address, for others than this machine */
export async function startS3Server(options: { isTls?: boolean; host?: string } = {}): Promise<S3Server> {
  const { host = "127.0.0.1" } = options;
  await using starting = new AsyncDisposableStack();
  const { path } = starting.use(await createTemporaryFolder());
  const bucket = "farm";
  for (const name of [`data/${bucket}`, "meta", "users"]) await mkdir(join(path, name), { recursive: true });
  const accessKeyId = randomBytes(8).toString("hex");
  const secretAccessKey = randomBytes(16).toString("hex");
  const ca = options.isTls ? await writeCertificate(path, host) : undefined;
  const tls = options.isTls ? ["--cert", join(path, "tls.crt"), "--key", join(path, "tls.key")] : [];
  const scheme = options.isTls ? "https" : "http";
  const server = new Server(host, (port) => [
    ...["--quiet", "--port", `${host}:${port}`, "--access", accessKeyId, "--secret", secretAccessKey, ...tls],
    // With users, though there are none: a key that nobody has is answered as elsewhere.
    ...["--iam-dir", join(path, "users"), "posix", "--sidecar", join(path, "meta"), join(path, "data")],
  ]);
  starting.defer(() => server.stop());
  await server.startSomewhere();
  const resources = starting.move();
  const settings: S3Settings = {
    endpoint: `${scheme}://${host}:${server.port}`,
    bucket,
    region: "us-east-1",
    prefix: "",
    accessKeyId,
    secretAccessKey,
    ca,
  };
  let farms = 0;
  return {
    settings,
    settingsOfOne() {
      farms += 1;
      return { ...settings, prefix: `farms/${farms}/` };
    },
    folder: join(path, "data", bucket),
    stop: () => server.stop(),
    start: () => server.start(),
    freeze: () => server.signal("SIGSTOP"),
    thaw: () => server.signal("SIGCONT"),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

class Server {
  readonly #host: string;
  readonly #args: (port: number) => string[];
  #child: ChildProcess | undefined;
  port = 0;

  constructor(host: string, args: (port: number) => string[]) {
    this.#host = host;
    this.#args = args;
  }

  /** A port that was free a moment ago may be taken by then. */
  async startSomewhere(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      this.port = await freePort();
      try {
        return await this.start();
      } catch (error) {
        await this.stop();
        if (attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  async start(): Promise<void> {
    const [folder = ""] = programFolders(ownCacheFolder(), ["s3-server"]);
    const child = spawn(join(folder, "versitygw"), this.#args(this.port), { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    const words = text(child.stderr);
    const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
    const isReady = async () => hasEnded() || (await isListening(this.#host, this.port));
    await untilTrue(isReady, READY_MS, () => new Error("the S3 server does not listen"));
    if (hasEnded()) throw new Error(`the S3 server has ended: ${await words}`);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(name);
  }
}

async function isListening(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  const isUp = await promise;
  socket.destroy();
  return isUp;
}

/** Returns the certificate, which is its own authority. */
async function writeCertificate(folder: string, host: string): Promise<string> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = pair.privateKey.export({ type: "pkcs8", format: "der" });
  const spki = pair.publicKey.export({ type: "spki", format: "der" });
  const keys = {
    privateKey: await webcrypto.subtle.importKey("pkcs8", key, algorithm, true, ["sign"]),
    publicKey: await webcrypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]),
  };
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(8).toString("hex"),
    name: "CN=s3",
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new SubjectAlternativeNameExtension([{ type: "ip", value: host }])],
  });
  await writeFile(join(folder, "tls.key"), pair.privateKey.export({ type: "pkcs8", format: "pem" }));
  await writeFile(join(folder, "tls.crt"), certificate.toString("pem"));
  return certificate.toString("pem");
}
