import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DeathPoint, type KillingProxy, startKillingProxy } from "./killing-proxy.ts";

const OPERATOR = join(import.meta.dirname, "operator-process.ts");

/** An API server, and who the operator is to it. */
export interface ProxiedServer {
  readonly url: string;
  /** PEM. */
  readonly authority: string;
  readonly token: string;
}

/** Operators, as processes, of which one dies at a certain write. */
export class MortalOperator implements AsyncDisposable {
  readonly #proxy: KillingProxy;
  readonly #folder = mkdtempSync(join(tmpdir(), "ok-"));
  readonly #settings: Readonly<Record<string, string>>;
  /** More than one only where a test has given up on one that goes on. */
  readonly #children = new Set<ChildProcess>();

  private constructor(proxy: KillingProxy, { token }: ProxiedServer, settings: Readonly<Record<string, string>>) {
    this.#proxy = proxy;
    const kubeconfig = join(this.#folder, "kubeconfig");
    writeFileSync(kubeconfig, kubeconfigText(proxy.url, token), { mode: 0o600 });
    this.#settings = { ...settings, EMUFARM_OPERATOR_KUBECONFIG: kubeconfig };
  }

  static async behindProxy(server: ProxiedServer, settings: Readonly<Record<string, string>>): Promise<MortalOperator> {
    return new MortalOperator(await startKillingProxy(server.url, server.authority), server, settings);
  }

  /** What was written by the last operator. */
  get writes(): readonly string[] {
    return this.#proxy.writes;
  }

  /**
   * Carries out what is begun, by one operator that dies and another that does not.
   * @param point undefined: none dies
   * @returns true where the first one died
   */
  async survive(
    point: DeathPoint | undefined,
    begin: () => Promise<unknown>,
    isDone: () => Promise<unknown>,
  ): Promise<boolean> {
    const first = this.#start(point);
    const died = once(first, "exit");
    await begin();
    await Promise.race([died, isDone()]);
    // What its last write has brought about may be seen before it is dead of it.
    if (!this.#proxy.hasStruck) {
      await this.#kill(first);
      return false;
    }
    await died;
    this.#children.delete(first);
    const second = this.#start(undefined);
    await isDone();
    await this.#kill(second);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) await this.#kill(child);
    await this.#proxy[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #start(point: DeathPoint | undefined): ChildProcess {
    const child = spawn(process.execPath, [OPERATOR], { env: { ...process.env, ...this.#settings }, stdio: "ignore" });
    this.#children.add(child);
    this.#proxy.arm(point, () => child.kill("SIGKILL"));
    return child;
  }

  async #kill(child: ChildProcess): Promise<void> {
    this.#children.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

function kubeconfigText(server: string, token: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
}
