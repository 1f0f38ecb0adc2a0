import { X509Certificate } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import type { ServerIdentity } from "../../http/server-identity.ts";

export interface ServerCertificateOptions {
  /** As the pod was given it. */
  readonly identity: ServerIdentity;
  /** Where a later one is kept, so that a restart in the same pod finds it. */
  readonly file: string;
}

/** The agent's key with its certificate as it is now: the operator renews it before it ends, for the same key. */
export class ServerCertificate {
  readonly #file: string;
  #identity: ServerIdentity;
  #onRenewal: (identity: ServerIdentity) => void = () => {};

  private constructor(identity: ServerIdentity, file: string) {
    this.#identity = identity;
    this.#file = file;
  }

  static async open({ identity, file }: ServerCertificateOptions): Promise<ServerCertificate> {
    const kept = await readFile(file, "utf8").catch(ignoreMissing);
    const isLater = kept !== undefined && problemOf(identity, kept) === undefined;
    return new ServerCertificate(isLater ? { ...identity, certificate: kept } : identity, file);
  }

  get identity(): ServerIdentity {
    return this.#identity;
  }

  onRenewal(listener: (identity: ServerIdentity) => void): void {
    this.#onRenewal = listener;
  }

  /**
   * Shows this one from now on. Connections that are open stay.
   * @throws {FarmError} Conflict where it is of another key, or ends before the present one
   */
  async renew(certificate: string): Promise<void> {
    if (certificate === this.#identity.certificate) return;
    const problem = problemOf(this.#identity, certificate);
    if (problem !== undefined) throw new FarmError("Conflict", { what: "The certificate", problem });
    await writeFile(`${this.#file}.new`, certificate, { mode: 0o600 });
    await rename(`${this.#file}.new`, this.#file);
    this.#identity = { ...this.#identity, certificate };
    this.#onRenewal(this.#identity);
  }
}

/** Why a certificate does not follow the present one. */
function problemOf({ certificate }: ServerIdentity, next: string): string | undefined {
  const [before, after] = [new X509Certificate(certificate), parse(next)];
  if (!after) return "it is none";
  if (!after.publicKey.equals(before.publicKey)) return "it is of another key than the pod's";
  if (after.validToDate < before.validToDate) return "it ends before the present one";
  return undefined;
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // A file that was cut off, or a caller's mistake: the present one goes on.
    return undefined;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}
