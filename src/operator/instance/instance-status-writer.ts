import { instanceEventOf, isNews } from "../../core/policy/instance-event.ts";
import { STATUS_PACE, waitOf } from "../../core/policy/write-pace.ts";
import type { EmulatorInstanceStatus } from "../../core/schema/emulator-instance-status.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { isNotFound } from "../../kube/kube-error.ts";
import { type FarmObject, INSTANCES, STATUS_FIELD_MANAGER } from "../kubernetes/kinds.ts";
import type { TellEvent } from "./instance-events.ts";
import type { InstanceMemory } from "./instance-memory.ts";

export interface InstanceStatusWriterDependencies {
  readonly client: KubeClient;
  readonly tell: TellEvent;
  /** Only forward. */
  readonly nowMs: () => number;
}

/**
 * Writes a status where it has changed, and not too often.
 * @returns how long the write has to wait; undefined: nothing is left to write
 */
export type WriteStatus = (
  object: FarmObject,
  before: EmulatorInstanceStatus | undefined,
  status: EmulatorInstanceStatus,
  memory: InstanceMemory,
) => Promise<number | undefined>;

export function createInstanceStatusWriter({ client, tell, nowMs }: InstanceStatusWriterDependencies): WriteStatus {
  return async (object, before, status, memory) => {
    const text = JSON.stringify(status);
    if (text === (memory.lastStatus ?? JSON.stringify(before))) return undefined;
    const shown = memory.lastStatus === undefined ? before : (JSON.parse(memory.lastStatus) as EmulatorInstanceStatus);
    if (memory.statusGeneration !== status.observedGeneration) memory.statusWrites = [];
    memory.statusGeneration = status.observedGeneration;
    const now = nowMs();
    const waitMs = waitOf(memory.statusWrites, now, isNews(shown, status));
    if (waitMs > 0) return waitMs;
    const { apiVersion, kind, metadata } = object;
    const { name = "", namespace = "", uid = "" } = metadata;
    const written = { apiVersion, kind, metadata: { name, namespace, uid }, status };
    try {
      await client.applyStatus(INSTANCES, written, { fieldManager: STATUS_FIELD_MANAGER });
    } catch (error) {
      // Deleted meanwhile: nobody reads its status any more.
      if (!isNotFound(error)) throw error;
      return undefined;
    }
    memory.lastStatus = text;
    memory.statusWrites = [...memory.statusWrites, now].slice(-STATUS_PACE.most);
    const event = instanceEventOf(shown, status);
    if (event) tell(object, event.type, event.reason, event.note);
    return undefined;
  };
}
