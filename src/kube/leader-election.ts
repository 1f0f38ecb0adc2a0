import type { Log } from "../log/log.ts";
import { type Clock, pause, systemClock } from "./clock.ts";
import { createFencedClient } from "./fenced-client.ts";
import type { CallOptions, KubeClient } from "./kube-client.ts";
import { isConflict, isNotFound } from "./kube-error.ts";
import type { KubeMetrics } from "./kube-metrics.ts";
import { LeaderTerm } from "./leader-term.ts";
import { acquiredSpec, firstTransition, LEASES, type Lease } from "./lease.ts";
import { microTime } from "./micro-time.ts";

/** One term of a leader. */
export interface Leadership {
  /** The `leaseTransitions` of the Lease: greater with every term, whoever leads. */
  readonly epoch: number;
  /**
   * Aborts when the leader shall stop. Where the lease was lost, that is before anybody else can take it; where the
   * process shall end, work under way may be finished, as the lease is kept until `lead` settles.
   */
  readonly signal: AbortSignal;
  /** Aborts when the term is over: whatever is still under way then has to stop at once. */
  readonly over: AbortSignal;
  /**
   * The client for everything the leader does: as each write leaves it holds the term against the clock, so that a
   * process that was frozen finds out before it acts. Once the term is over, all its calls fail.
   */
  readonly client: KubeClient;
  /** For acts that do not go through the client: call it right before. @throws once the term is over */
  assertHeld(): void;
}

export interface LeaderElectionOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** Of the Lease (coordination.k8s.io/v1). */
  readonly name: string;
  /** Who stands, unique: the pod's name and a random part. */
  readonly identity: string;
  /** Others take over when the Lease has not changed for so long; default 15 s. */
  readonly leaseMs?: number;
  /** The leader gives up when it could not renew for so long; default 10 s. */
  readonly renewMs?: number;
  /** Between two tries; default 2 s. */
  readonly retryMs?: number;
  /** Aborts: the term ends in good order, the Lease is released, the election is over. */
  readonly signal: AbortSignal;
  /** Leads until the term's signal aborts. A term also ends when this settles; then this process stands again. */
  readonly lead: (leadership: Leadership) => Promise<void>;
  readonly log: Log;
  readonly metrics: KubeMetrics;
  readonly clock?: Clock;
}

/**
 * Stands for leader until the signal aborts; settles when the last term is over.
 * @throws RangeError where the times would let two lead at once
 */
export async function runLeaderElection(options: LeaderElectionOptions): Promise<void> {
  const { signal, metrics, name } = options;
  const election = new Election(options);
  metrics.isLeader.set({ name }, 0);
  while (!signal.aborted) await election.stand();
}

/** The Lease as this process wrote it last, and when it sent that. */
interface HeldLease {
  lease: Lease;
  readonly sentMs: number;
}

class Election {
  readonly #options: Required<LeaderElectionOptions>;
  /** The Lease as it was last seen, and since when it has stood so by our own clock. */
  #seen: { readonly version: string | undefined; readonly sinceMs: number } | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = { leaseMs: 15_000, renewMs: 10_000, retryMs: 2_000, clock: systemClock, ...options };
    const { leaseMs, renewMs, retryMs } = this.#options;
    if (retryMs >= renewMs || renewMs >= leaseMs) {
      throw new RangeError(`a lease of ${leaseMs} ms, renewed each ${retryMs} ms for ${renewMs} ms, is not safe`);
    }
  }

  /** One try to become leader, and the term where it succeeds. Never throws. */
  async stand(): Promise<void> {
    const { clock, retryMs, signal, log, name } = this.#options;
    try {
      const held = await this.#acquire();
      if (held) await this.#lead(held);
    } catch (error) {
      // The next try may find the API server in a better mood; that nobody leads is told by the metrics.
      if (!signal.aborted) log.debug({ lease: name, err: error }, "the lease could not be acquired");
    }
    // At random: all who stand by see the same lease run out.
    await pause(clock, retryMs * (0.6 + Math.random() * 0.8), signal);
  }

  async #acquire(): Promise<HeldLease | undefined> {
    const { client, clock, namespace, name, identity, leaseMs, signal } = this.#options;
    const present = await client.get(LEASES, name, namespace, this.#call(signal));
    const sentMs = clock.nowMs();
    if (!present) {
      const { apiVersion, kind } = LEASES;
      const spec = acquiredSpec(identity, leaseMs, firstTransition());
      const lease = { apiVersion, kind, metadata: { name, namespace }, spec };
      return { sentMs, lease: await client.create(LEASES, lease, this.#call(signal)) };
    }
    if (!this.#isFree(present)) return undefined;
    const spec = acquiredSpec(identity, leaseMs, epochOf(present) + 1);
    // Its version is the precondition: of several who try, one succeeds.
    return { sentMs, lease: await client.replace(LEASES, { ...present, spec }, this.#call(signal)) };
  }

  /** Free where given back, or ours from a term that is over, or unchanged for its whole length while we looked. */
  #isFree({ metadata: { resourceVersion }, spec = {} }: Lease): boolean {
    const { clock, identity, leaseMs } = this.#options;
    const nowMs = clock.nowMs();
    const before = this.#seen;
    const seen = before && before.version === resourceVersion ? before : { version: resourceVersion, sinceMs: nowMs };
    this.#seen = seen;
    if (!spec.holderIdentity || spec.holderIdentity === identity) return true;
    const lengthMs = Math.max(leaseMs, (spec.leaseDurationSeconds ?? 0) * 1_000);
    return nowMs - seen.sinceMs >= lengthMs;
  }

  async #lead(held: HeldLease): Promise<void> {
    const { lead, client, clock, renewMs, signal, log, metrics, name } = this.#options;
    const epoch = epochOf(held.lease);
    using term = new LeaderTerm(clock, renewMs, held.sentMs);
    const onAbort = () => term.end();
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) term.end();
    metrics.isLeader.set({ name }, 1);
    log.info({ lease: name, epoch }, "this process leads");
    const assertHeld = () => term.assertHeld();
    const fenced = createFencedClient(client, { signal: term.over, assertHeld });
    const leading = new AbortController();
    const renewing = this.#renew(held, term, AbortSignal.any([term.over, leading.signal]));
    term.over.addEventListener("abort", () => metrics.isLeader.set({ name }, 0));
    try {
      await lead({ epoch, client: fenced, signal: term.ending, over: term.over, assertHeld });
    } catch (error) {
      // A term that was cut off ends with any error; after anything else, the next term is another chance.
      if (!term.ending.aborted) log.error({ lease: name, epoch, err: error }, "the leader failed");
    }
    signal.removeEventListener("abort", onAbort);
    leading.abort();
    await renewing;
    log.info({ lease: name, epoch, why: reasonOf(term) }, "this process does not lead any more");
    if (!term.over.aborted) await this.#giveBack(held.lease);
  }

  /** Goes on while a leader that was asked to end does so: nobody takes over before it has. */
  async #renew(held: HeldLease, term: LeaderTerm, signal: AbortSignal): Promise<void> {
    const { client, clock, retryMs, log, name } = this.#options;
    for (await pause(clock, retryMs, signal); !signal.aborted; await pause(clock, retryMs, signal)) {
      try {
        const sentMs = clock.nowMs();
        const spec = { ...held.lease.spec, renewTime: microTime() };
        held.lease = await client.replace(LEASES, { ...held.lease, spec }, this.#call(signal));
        term.renewed(sentMs);
      } catch (error) {
        if (signal.aborted) return;
        log.debug({ lease: name, err: error }, "the lease could not be renewed");
        if (isConflict(error) || isNotFound(error)) await this.#lookAgain(held, term, signal);
      }
    }
  }

  /** Somebody has written to the Lease, or deleted it, or a renewal came through whose answer did not. */
  async #lookAgain(held: HeldLease, term: LeaderTerm, signal: AbortSignal): Promise<void> {
    const { client, namespace, name, identity, log } = this.#options;
    try {
      const present = await client.get(LEASES, name, namespace, this.#call(signal));
      const isOurs = present?.spec?.holderIdentity === identity && epochOf(present) === epochOf(held.lease);
      if (present && isOurs) held.lease = present;
      else term.lose(present ? `${present.spec?.holderIdentity || "nobody"} has the lease` : "the lease was deleted");
    } catch (error) {
      // The term ends by the clock unless a later renewal comes through.
      log.debug({ lease: name, err: error }, "the lease could not be read");
    }
  }

  /** Spares the next leader the wait. */
  async #giveBack(lease: Lease): Promise<void> {
    const { client, log, name } = this.#options;
    const spec = { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime() };
    try {
      await client.replace(LEASES, { ...lease, spec }, this.#call(undefined));
    } catch (error) {
      // It runs out by itself.
      log.debug({ lease: name, err: error }, "the lease could not be given back");
    }
  }

  #call(signal: AbortSignal | undefined): CallOptions {
    return { signal, timeoutMs: this.#options.renewMs / 2 };
  }
}

function epochOf({ spec }: Lease): number {
  return spec?.leaseTransitions ?? 0;
}

function reasonOf({ ending }: LeaderTerm): string {
  return ending.reason instanceof Error ? ending.reason.message : "the leader has ended";
}
