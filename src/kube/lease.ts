import type { KubeObject, Resource } from "./kube-object.ts";
import { microTime } from "./micro-time.ts";

/** https://kubernetes.io/docs/concepts/architecture/leases/ */
export interface Lease extends KubeObject {
  readonly spec?: LeaseSpec;
}

export interface LeaseSpec {
  /** Empty where the holder has given it back. */
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export const LEASES: Resource<Lease> = {
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  plural: "leases",
  isNamespaced: true,
};

/** A lease that begins now. Its times are for people: who waits for its end looks at their own clock. */
export function acquiredSpec(holderIdentity: string, leaseMs: number, leaseTransitions: number): LeaseSpec {
  const now = microTime();
  const leaseDurationSeconds = Math.ceil(leaseMs / 1_000);
  return { holderIdentity, leaseDurationSeconds, leaseTransitions, acquireTime: now, renewTime: now };
}

/**
 * Where a Lease begins to count that was not there: the minutes since 1970. One that was deleted would else begin again
 * at 0, and who has seen its epochs would refuse all that follow. No leader changes once a minute for long.
 */
export function firstTransition(): number {
  return Math.floor(Date.now() / 60_000);
}
