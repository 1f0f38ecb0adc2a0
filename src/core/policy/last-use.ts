import { durationMs } from "../schema/duration.ts";
import type { EmulatorInstanceSpec } from "../schema/emulator-instance.ts";
import type { EmulatorInstanceStatus } from "../schema/emulator-instance-status.ts";
import type { LastUse, ObservedAgent } from "./instance-observation.ts";

/**
 * When somebody has used a channel of an instance last, where its end counts from that: as the agent says, or as was
 * known before it went. Undefined where nobody can have.
 */
export function lastUseOf(
  agent: ObservedAgent | undefined,
  before: Pick<EmulatorInstanceStatus, "expiresAt" | "restarts"> | undefined,
  ttl: EmulatorInstanceSpec["ttl"],
): LastUse | undefined {
  if (ttl?.from !== "LastUsed") return undefined;
  const instance = agent?.state === "connected" ? agent.instance : undefined;
  if (instance?.isInUse) return "inUse";
  if (instance?.lastUsedAt !== undefined) return Date.parse(instance.lastUsedAt);
  if (before?.expiresAt !== undefined) return Date.parse(before.expiresAt) - durationMs(ttl.after);
  // No end was told though an agent has been heard: somebody used it then, and the next agent counts anew.
  return before?.restarts === undefined ? undefined : "inUse";
}
