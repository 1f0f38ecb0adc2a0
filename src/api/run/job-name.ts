import type { JobSpec } from "../../core/schema/job.ts";

/** Name of a job in reports. */
export function jobNameOf({ name, firmware, board }: JobSpec): string {
  return name ?? `${firmware.name ?? firmware.sha256.slice(0, 12)} on ${board}`;
}
