import { timestampOf } from "../../core/policy/condition-history.ts";
import { API_VERSION } from "../../core/schema/metadata.ts";
import type { InstanceObject } from "../../core/wire/farm-instance.ts";
import type { StoredInstance } from "./instance-record.ts";

/** An instance as callers see it. */
export function objectOf(record: StoredInstance): InstanceObject {
  const { name, uid, generation, createdAt, labels, annotations, spec, status } = record;
  return {
    apiVersion: API_VERSION,
    kind: "EmulatorInstance",
    metadata: {
      name,
      uid,
      generation,
      creationTimestamp: timestampOf(Date.parse(createdAt)),
      ...(Object.keys(labels).length > 0 && { labels: { ...labels } }),
      ...(Object.keys(annotations).length > 0 && { annotations: { ...annotations } }),
    },
    spec,
    ...(status && { status }),
  };
}
