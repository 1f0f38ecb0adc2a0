import { FarmError } from "../error/farm-error.ts";
import type { EmulatorInstanceSpec } from "../schema/emulator-instance.ts";

/** What people switch by hand: a manifest that does not name them leaves them as they are. */
const SWITCHED = ["power", "paused", "resetCount"] as const;

/** Fields that an instance keeps for its life. */
const FIXED = ["board", "storage"] as const;

/**
 * A spec as somebody has written it, with what it leaves to be switched by hand as that is now. As on a cluster, where
 * each field belongs to who has set it.
 */
export function withSwitches(
  given: Readonly<Record<string, unknown>>,
  now: EmulatorInstanceSpec | undefined,
): Readonly<Record<string, unknown>> {
  if (!now) return given;
  const kept = SWITCHED.filter((field) => given[field] === undefined).map((field) => [field, now[field]]);
  return { ...given, ...Object.fromEntries(kept) };
}

/** JSON merge patch (RFC 7396). */
export function mergePatched(value: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(value) ? { ...value } : {};
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete merged[key];
    else merged[key] = mergePatched(merged[key], change);
  }
  return merged;
}

/** @throws {FarmError} Conflict for a change that no instance can go through */
export function checkChange(name: string, now: EmulatorInstanceSpec, next: EmulatorInstanceSpec): void {
  const what = `EmulatorInstance ${name}`;
  const fixed = FIXED.find((field) => JSON.stringify(now[field]) !== JSON.stringify(next[field]));
  if (fixed !== undefined) {
    throw new FarmError("Conflict", { what, problem: `spec.${fixed} cannot be changed: make another instance` });
  }
  if (next.resetCount >= now.resetCount) return;
  const problem = `spec.resetCount is ${now.resetCount} and can only be raised: each raise resets the board`;
  throw new FarmError("Conflict", { what, problem });
}

/** What the schema has and a farm on one machine has not; undefined where all can be done. */
export function unsupportedOnMachine({
  firmware,
  ttl,
  storage,
  consoleLog,
}: EmulatorInstanceSpec): { readonly what: string; readonly problem: string } | undefined {
  const sources = [firmware, firmware?.initrd, firmware?.dtb];
  const isAsked = (field: "configMap" | "secretName") => sources.some((source) => source?.[field] !== undefined);
  if (isAsked("configMap")) return { what: "spec.firmware.configMap", problem: "only a cluster has it; name a url" };
  if (isAsked("secretName")) return { what: "spec.firmware.secretName", problem: "only a cluster has Secrets" };
  if (ttl?.from === "LastUsed") return { what: "spec.ttl.from: LastUsed", problem: "it is not carried out yet" };
  if (storage && !storage.emptyDir) return { what: "spec.storage", problem: "only a cluster has volumes" };
  if (consoleLog !== "None")
    return { what: "spec.consoleLog", problem: "there is no pod; emufarm logs has the output" };
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
