import type { BoardSpec, FirmwareFormat } from "../../core/schema/board.ts";
import type { EmulatorInstanceSpec } from "../../core/schema/emulator-instance.ts";
import type { EmulatorInstanceStatus } from "../../core/schema/emulator-instance-status.ts";
import type { FirmwareReference } from "../../core/schema/job.ts";

/** Firmware that a spec led to. */
export interface StoredFirmware {
  /** What of the spec it was found by. */
  readonly sourceKey: string;
  readonly reference: FirmwareReference;
  readonly sizeBytes: number;
  readonly format?: FirmwareFormat | undefined;
}

/** An instance as the store holds it: what it shall be, where it is, and how it stood last. */
export interface StoredInstance {
  readonly name: string;
  readonly uid: string;
  /** Counts the changes of the spec, from 1. */
  readonly generation: number;
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: EmulatorInstanceSpec;
  /** The board as it was when the instance was made. */
  readonly board: BoardSpec;
  readonly firmware?: StoredFirmware | undefined;
  /** Address of the agent in whose slot it is; absent: it has none. */
  readonly agent?: string | undefined;
  /** The process of that agent which was heard last. */
  readonly agentId?: string | undefined;
  /** When such a process was found to have ended with the guest in it. */
  readonly agentEndMs?: number | undefined;
  readonly status?: EmulatorInstanceStatus | undefined;
}
