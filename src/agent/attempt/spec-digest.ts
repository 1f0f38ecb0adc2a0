import { hash } from "node:crypto";
import type { AttemptSpec } from "../../core/wire/attempt.ts";

/**
 * Tells a repeated request from a conflicting one. Signed URLs and the lease are no part of it: another dispatcher
 * that takes over signs anew.
 */
export function specDigest(spec: AttemptSpec): string {
  const { urls: _urls, leaseMs: _leaseMs, ...what } = spec;
  return hash("sha256", JSON.stringify(what));
}
