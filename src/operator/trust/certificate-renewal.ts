import { X509Certificate } from "node:crypto";
import type { AgentClient } from "../../client/agent-client.ts";
import type { Log } from "../../log/log.ts";
import type { AgentTrust } from "./agent-trust.ts";
import { BACKDATED_MS } from "./certificate-authority.ts";

export interface CertificateRenewalDependencies {
  readonly client: Pick<AgentClient, "address" | "putCertificate">;
  readonly trust: Pick<AgentTrust, "renewCertificate">;
  readonly log: Log;
  /** The wall clock. */
  readonly clock: () => number;
}

/** Part of its life after which a certificate gets a successor: there is time to try again, for days. */
const RENEW_AFTER = 2 / 3;
/** Timers run no longer than 24 days. */
const LONGEST_WAIT_MS = 86_400_000;
const RETRY_MS = 10_000;

/** Keeps the certificate of one agent from ending. */
export class CertificateRenewal implements Disposable {
  readonly #dependencies: CertificateRenewalDependencies;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(dependencies: CertificateRenewalDependencies) {
    this.#dependencies = dependencies;
  }

  /** The agent shows this one now. */
  follow(certificate: string): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    const { validFromDate, validToDate } = new X509Certificate(certificate);
    const issuedMs = validFromDate.getTime() + BACKDATED_MS;
    const dueMs = issuedMs + (validToDate.getTime() - issuedMs) * RENEW_AFTER;
    this.#wait(Math.max(0, dueMs - this.#dependencies.clock()), certificate);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #wait(waitMs: number, certificate: string): void {
    const isTooLong = waitMs > LONGEST_WAIT_MS;
    const act = isTooLong ? () => this.follow(certificate) : () => void this.#renew(certificate);
    this.#timer = setTimeout(act, isTooLong ? LONGEST_WAIT_MS : waitMs).unref();
  }

  async #renew(certificate: string): Promise<void> {
    const { client, trust, log } = this.#dependencies;
    try {
      const next = await trust.renewCertificate(certificate);
      await client.putCertificate(next);
      log.debug({ agent: client.address }, "an agent has a later certificate");
      this.follow(next);
    } catch (error) {
      if (this.#isOver) return;
      // It is good for a while yet; and an agent that comes back tells which one it has.
      log.warn({ err: error, agent: client.address }, "the certificate of an agent could not be renewed");
      this.#wait(RETRY_MS, certificate);
    }
  }
}
