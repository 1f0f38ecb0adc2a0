import { contentDigest } from "../../client/content-digest.ts";
import { afterWrite, type WriteBudget, waitOf } from "../../core/policy/write-pace.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { isNotFound } from "../../kube/kube-error.ts";
import type { Resource } from "../../kube/kube-object.ts";
import { type FarmObject, STATUS_FIELD_MANAGER } from "./kinds.ts";

/** What is remembered of the status of one object. */
export interface StatusMemory {
  /** For the generation that is told now: who writes a spec waits for it. */
  budget?: WriteBudget | undefined;
  generation?: number | undefined;
  /** As it was written last, and the object's version since. */
  last?: { readonly text: string; readonly version: string } | undefined;
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
  /** The status as the cluster shows it, or as it will once it shows what was written last. */
  shown(object: FarmObject, before: Status | undefined, memory: StatusMemory): Status | undefined;
  /** Sets `dueMs` of the memory where the write has to wait. */
  write(object: FarmObject, before: Status | undefined, status: Status, memory: StatusMemory): Promise<void>;
}

export function createStatusWriter<Status extends { readonly observedGeneration?: number | undefined }>(
  options: StatusWriterOptions<Status>,
): StatusWriter<Status> {
  const { client, resource, nowMs, isUrgent, onWritten } = options;
  const shown: StatusWriter<Status>["shown"] = ({ metadata }, before, { last }) => {
    // What is newer than the last write has seen it, and may have been changed by somebody else.
    const isOlder = last !== undefined && !isNewer(metadata.resourceVersion, last.version);
    return isOlder ? (JSON.parse(last.text) as Status) : before;
  };
  return {
    shown,
    async write(object, before, status, memory) {
      memory.dueMs = undefined;
      const earlier = shown(object, before, memory);
      if (contentDigest(status) === contentDigest(earlier)) return;
      if (memory.generation !== status.observedGeneration) memory.budget = undefined;
      memory.generation = status.observedGeneration;
      const now = nowMs();
      const waitMs = waitOf(memory.budget, now, isUrgent(earlier, status));
      if (waitMs > 0) {
        memory.dueMs = waitMs;
        return;
      }
      const { apiVersion, kind, metadata } = object;
      const { name = "", namespace, uid = "" } = metadata;
      const identity = { name, ...(namespace !== undefined && { namespace }), uid };
      try {
        const written = await client.applyStatus<FarmObject>(
          resource,
          { apiVersion, kind, metadata: identity, status },
          { fieldManager: STATUS_FIELD_MANAGER },
        );
        memory.last = { text: JSON.stringify(status), version: written.metadata.resourceVersion ?? "" };
      } catch (error) {
        // Deleted meanwhile: nobody reads its status any more.
        if (!isNotFound(error)) throw error;
        return;
      }
      memory.budget = afterWrite(memory.budget, now);
      onWritten?.(object, earlier, status);
    },
  };
}

/** Versions of one resource are whole numbers that grow; of what is none nothing is assumed but that it is another. */
function isNewer(version = "", than: string): boolean {
  const areNumbers = /^\d+$/.test(version) && /^\d+$/.test(than);
  return areNumbers ? BigInt(version) > BigInt(than) : version !== than;
}
