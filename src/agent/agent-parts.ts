import type { AgentEvents } from "./agent-events.ts";
import type { Attempts } from "./attempt/attempts.ts";
import type { Emulators } from "./emulator/emulators.ts";
import type { FirmwareCache } from "./firmware/firmware-cache.ts";
import type { FirmwareSupply } from "./firmware/firmware-supply.ts";
import type { SlotPool } from "./guest/slot-pool.ts";
import type { Instances } from "./instance/instances.ts";
import type { ServerCertificate } from "./trust/server-certificate.ts";

/** What an agent is made of, for those who serve it. */
export interface AgentParts {
  /** Of this process; a restarted agent has another one. */
  readonly agentId: string;
  readonly version: string;
  readonly attempts: Attempts;
  readonly instances: Instances;
  readonly slots: SlotPool;
  readonly events: AgentEvents;
  readonly emulators: Emulators;
  readonly cache: FirmwareCache;
  readonly firmware: FirmwareSupply;
  /** What the agent shows to its callers; undefined without TLS. */
  readonly certificate: ServerCertificate | undefined;
  readonly slotIsolation: "uid" | "none";
  /** What whoever has a channel open is told when the agent ends. */
  readonly farewell: string;
}
