import { STATUS_PACE, waitOf } from "../../core/policy/write-pace.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { isNotFound } from "../../kube/kube-error.ts";
import type { Resource } from "../../kube/kube-object.ts";
import { type FarmObject, STATUS_FIELD_MANAGER } from "./kinds.ts";

/** What is remembered of the status of one object. */
export interface StatusMemory {
  /** Moments at which it was written, for the generation that is told now: who writes a spec waits for it. */
  writes: number[];
  generation?: number | undefined;
  /** As it was written last. */
  last?: string | undefined;
  /** How long a status that has changed waits for its write. */
  dueMs?: number | undefined;
}

export interface StatusWriterOptions<Status> {
  readonly client: KubeClient;
  readonly resource: Resource<FarmObject>;
  /** Only forward. */
  readonly nowMs: () => number;
  /** Whether somebody waits for this news. */
  readonly isUrgent: (before: Status | undefined, after: Status) => boolean;
  readonly onWritten?: (object: FarmObject, before: Status | undefined, after: Status) => void;
}

/** Writes the status of objects where it has changed, and not too often. */
export interface StatusWriter<Status> {
  /** The status as it was written last, or else as the cluster shows it. */
  shown(memory: StatusMemory, before: Status | undefined): Status | undefined;
  /** Sets `dueMs` of the memory where the write has to wait. */
  write(object: FarmObject, before: Status | undefined, status: Status, memory: StatusMemory): Promise<void>;
}

export function createStatusWriter<Status extends { readonly observedGeneration?: number | undefined }>(
  options: StatusWriterOptions<Status>,
): StatusWriter<Status> {
  const { client, resource, nowMs, isUrgent, onWritten } = options;
  const shown: StatusWriter<Status>["shown"] = ({ last }, before) =>
    last === undefined ? before : (JSON.parse(last) as Status);
  return {
    shown,
    async write(object, before, status, memory) {
      memory.dueMs = undefined;
      const text = JSON.stringify(status);
      if (text === (memory.last ?? JSON.stringify(before))) return;
      if (memory.generation !== status.observedGeneration) memory.writes = [];
      memory.generation = status.observedGeneration;
      const now = nowMs();
      const earlier = shown(memory, before);
      const waitMs = waitOf(memory.writes, now, isUrgent(earlier, status));
      if (waitMs > 0) {
        memory.dueMs = waitMs;
        return;
      }
      const { apiVersion, kind, metadata } = object;
      const { name = "", namespace, uid = "" } = metadata;
      const identity = { name, ...(namespace !== undefined && { namespace }), uid };
      try {
        await client.applyStatus(
          resource,
          { apiVersion, kind, metadata: identity, status },
          { fieldManager: STATUS_FIELD_MANAGER },
        );
      } catch (error) {
        // Deleted meanwhile: nobody reads its status any more.
        if (!isNotFound(error)) throw error;
        return;
      }
      memory.last = text;
      memory.writes = [...memory.writes, now].slice(-STATUS_PACE.most);
      onWritten?.(object, earlier, status);
    },
  };
}
