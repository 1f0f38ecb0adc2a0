import type { Log } from "../../log/log.ts";
import type { BoardRegistry } from "../board/board-registry.ts";
import type { ImportFirmware } from "../firmware/firmware-importer.ts";
import type { AgentStream } from "./agent-stream.ts";
import type { Instance } from "./instance.ts";
import type { StoredInstance } from "./instance-record.ts";

/** What an instance lives in. */
export interface InstanceWorld {
  /** By address. */
  readonly streams: ReadonlyMap<string, AgentStream>;
  readonly boards: Pick<BoardRegistry, "get">;
  readonly importFirmware: ImportFirmware;
  readonly blobUrl: (sha256: string) => string;
  readonly tenant: string;
  /** Of this process: an older one is heard no more. */
  readonly epoch: number;
  /** The wall clock. */
  readonly clock: () => number;
  readonly log: Log;
  save(record: StoredInstance): Promise<void>;
  /** One at a time: who looks for a free slot finds it as the one before has left it. */
  exclusively<Value>(action: () => Promise<Value>): Promise<Value>;
  /** Agents with free slots, the one with the most first. */
  freeAgents(): Promise<readonly AgentStream[]>;
  onChanged(instance: Instance): void;
  /** Its time is over. */
  onExpired(instance: Instance): void;
}
