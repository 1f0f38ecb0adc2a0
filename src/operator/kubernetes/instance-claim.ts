import type { Problem } from "../../core/policy/instance-observation.ts";
import type { InstanceStorage } from "../../core/schema/instance-storage.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { isAlreadyExists } from "../../kube/kube-error.ts";
import { isControlledBy } from "../../kube/kube-object.ts";
import { CLAIMS, type Claim, type FarmObject, FIELD_MANAGER } from "./kinds.ts";
import { INSTANCE_LABEL, MANAGED_BY } from "./labels.ts";
import { refusalOf } from "./pod-refusal.ts";

/** Name of the claim that is made for an instance. */
export function claimName(instance: string): string {
  return `${instance}-storage`;
}

/**
 * Makes the claim of an instance, unless it is there: a retained one is taken up by the next instance of the name.
 * @returns why there is none
 */
export async function ensureClaim(
  client: KubeClient,
  instance: FarmObject,
  storage: InstanceStorage | undefined,
): Promise<Problem | undefined> {
  const template = storage?.volumeClaimTemplate;
  if (!template) return undefined;
  const wanted = claimOf(instance, template);
  try {
    await client.create(CLAIMS, wanted, { fieldManager: FIELD_MANAGER });
    return undefined;
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal) return refusal;
    if (!isAlreadyExists(error)) throw error;
    const { name = "", namespace } = wanted.metadata;
    const present = await client.get(CLAIMS, name, namespace);
    if (!present) throw error;
    return problemOf(present, instance);
  }
}

function claimOf(
  { apiVersion, kind, metadata }: FarmObject,
  { size, storageClassName, whenDeleted }: NonNullable<InstanceStorage["volumeClaimTemplate"]>,
): Claim {
  const { name = "", namespace = "", uid = "" } = metadata;
  const owner = { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
  return {
    apiVersion: CLAIMS.apiVersion,
    kind: CLAIMS.kind,
    metadata: {
      name: claimName(name),
      namespace,
      labels: { ...MANAGED_BY, [INSTANCE_LABEL]: name },
      // With its owner it goes.
      ...(whenDeleted === "Delete" && { ownerReferences: [owner] }),
    },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: size } },
      ...(storageClassName !== undefined && { storageClassName }),
    },
  };
}

function problemOf(present: Claim, { metadata: { name: instance, uid = "" } }: FarmObject): Problem | undefined {
  const { name = "", labels, ownerReferences = [], deletionTimestamp } = present.metadata;
  if (labels?.[INSTANCE_LABEL] !== instance) {
    const message = `A PersistentVolumeClaim ${name} is there already and belongs to somebody else.`;
    return { reason: "ClaimNameTaken", message };
  }
  const isOwn = ownerReferences.length === 0 || isControlledBy(present, uid);
  if (isOwn && deletionTimestamp === undefined) return undefined;
  const message = `PersistentVolumeClaim ${name} of an instance before has to go first.`;
  return { reason: "StorageTerminating", message };
}
