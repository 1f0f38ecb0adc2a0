import type { Registry } from "prom-client";
import type { Log } from "../../log/log.ts";
import type { AgentDirectory } from "../agents/agent-directory.ts";
import type { BoardAvailability } from "../board/board-availability.ts";
import type { DispatcherQueue } from "../queue/farm-queue.ts";
import type { Store } from "../store/store.ts";

export interface DispatcherOptions {
  readonly pool: string;
  readonly store: Store;
  readonly queue: DispatcherQueue;
  readonly directory: AgentDirectory;
  readonly boards: BoardAvailability;
  /** Signed URL by which agents fetch a file of the store; good for the life of an attempt. */
  readonly blobUrl: (sha256: string) => string;
  readonly log: Log;
  readonly metrics: Registry;
  readonly timings?: {
    /** How long an agent may be away before its attempts are tried elsewhere. Default 10 s. */
    readonly lossMs?: number;
    /** How often the store is looked at for what no signal has told. Default 60 s. */
    readonly resyncMs?: number;
    /** Life of the lease without renewal. Default 10 s. */
    readonly leaseMs?: number;
  };
}
