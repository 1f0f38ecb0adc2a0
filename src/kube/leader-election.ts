import type { Log } from "../log/log.ts";
import type { Clock } from "./clock.ts";
import type { KubeClient } from "./kube-client.ts";
import type { KubeMetrics } from "./kube-metrics.ts";

/** One term of a leader. */
export interface Leadership {
  /** The `leaseTransitions` of the Lease: greater with every term, whoever leads. */
  readonly epoch: number;
  /** Aborts when the term ends, before anybody else can begin one. */
  readonly signal: AbortSignal;
  /**
   * The client for everything the leader does: before each write it holds the term against the clock, so that a
   * process that was frozen finds out before it acts.
   */
  readonly client: KubeClient;
  /** For acts that do not go through the client. @throws the signal's reason once the term is over */
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
