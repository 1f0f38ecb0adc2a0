import type { EmulatorInstanceSpec } from "../schema/emulator-instance.ts";
import type { DesiredStateInput } from "../wire/desired-state.ts";

type SettingName = "power" | "isPaused" | "flash" | "resetCount" | "restartPolicy";

/** What of a spec an agent is told as it is, wherever the instance runs. */
export function desiredSettings({
  power,
  paused,
  flash,
  resetCount,
  restartPolicy,
}: EmulatorInstanceSpec): Pick<DesiredStateInput, SettingName> {
  return { power, isPaused: paused, ...(flash && { flash }), resetCount, restartPolicy };
}
