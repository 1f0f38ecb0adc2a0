import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type AgentClient, createAgentClient } from "../../../src/client/agent-client.ts";
import { agentServerName } from "../../../src/client/agent-identity.ts";
import { SIGNERS, type Signer, type SigningKey } from "../../../src/core/wire/signed-token.ts";
import {
  type CertificateAuthority,
  createAuthority,
  openAuthority,
} from "../../../src/operator/trust/certificate-authority.ts";
import { createSigningKey, publicKeysOf } from "../../../src/token/signing-keys.ts";
import { createTokenSigner } from "../../../src/token/token-signer.ts";

const AGENT = join(import.meta.dirname, "../../../src/agent/main.ts");
const POD = "0c9e2f6e-1d0b-4d93-9f0b-6a1f2f3f4a5b";
const HOUR_MS = 3_600_000;

/** An agent as it runs in a pod: over TLS, with the farm's public keys in a file. */
export class PodAgent implements AsyncDisposable {
  readonly serverName = agentServerName(POD);
  readonly authority: CertificateAuthority;
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;
  #keys: readonly SigningKey[];
  #child: ChildProcess | undefined;
  #port = 0;

  private constructor(
    authority: CertificateAuthority,
    keys: readonly SigningKey[],
    env: Readonly<Record<string, string>>,
  ) {
    this.#folder = mkdtempSync(join(tmpdir(), "pa-"));
    this.authority = authority;
    this.#keys = keys;
    this.#env = env;
  }

  static async start(env: Readonly<Record<string, string>> = {}, certificateLifeMs = HOUR_MS): Promise<PodAgent> {
    const authority = await openAuthority(await createAuthority(Date.now(), 10 * HOUR_MS));
    const keys = await Promise.all(SIGNERS.map((signer) => createSigningKey(signer, 0)));
    const agent = new PodAgent(authority, keys, env);
    const { key, certificate } = await authority.issue([agent.serverName], Date.now(), certificateLifeMs);
    writeFileSync(agent.#file("tls.key"), key);
    writeFileSync(agent.#file("tls.crt"), certificate);
    agent.publish(keys);
    await agent.start();
    return agent;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get port(): number {
    return this.#port;
  }

  /** The keys that callers sign with from now on. */
  sign(keys: readonly SigningKey[]): void {
    this.#keys = keys;
  }

  get keys(): readonly SigningKey[] {
    return this.#keys;
  }

  /** Replaces the file, as a node does. */
  publish(keys: readonly SigningKey[]): void {
    writeFileSync(this.#file("keys.new"), JSON.stringify(publicKeysOf(keys)));
    renameSync(this.#file("keys.new"), this.#file("keys.json"));
  }

  client(signer: Signer): AgentClient {
    const tokens = createTokenSigner({
      keys: async () => this.#keys.filter(({ issuer }) => issuer === signer),
      clock: () => Date.now(),
    });
    return createAgentClient({
      address: `https://127.0.0.1:${this.#port}`,
      token: () => tokens.tokenFor(POD),
      tls: { authority: this.authority.certificate, serverName: this.serverName },
    });
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [AGENT], {
      env: {
        PATH: process.env.PATH ?? "",
        EMUFARM_LISTEN: "tcp:127.0.0.1:0",
        EMUFARM_TOKEN_KEYS: this.#file("keys.json"),
        EMUFARM_TOKEN_AUDIENCE: POD,
        EMUFARM_TLS_KEY_FILE: this.#file("tls.key"),
        EMUFARM_TLS_CERTIFICATE_FILE: this.#file("tls.crt"),
        EMUFARM_RUNTIME_DIR: this.#file("run"),
        EMUFARM_DATA: this.#file("data"),
        EMUFARM_CACHE: this.#file("cache"),
        EMUFARM_SLOTS: "1",
        ...this.#env,
      },
      stdio: ["pipe", "ignore", "pipe"],
    });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    let log = "";
    child.once("exit", (code) => reject(new Error(`the agent ended with ${code}: ${log}`)));
    createInterface({ input: child.stderr }).on("line", (line) => {
      log += `${line}\n`;
      if (line.includes("agent is up")) resolve((JSON.parse(line) as { listen: { port: number } }).listen.port);
    });
    this.#port = await promise;
  }

  async end(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }
}
