import type { Leftover } from "../../core/policy/instance-observation.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import type { KubeObject, ObjectMeta } from "../../kube/kube-object.ts";
import { type FarmObject, INSTANCES, PODS, SERVICES } from "../kubernetes/kinds.ts";

/** The child as one of an instance that had this one's name; undefined where it is none. */
export function leftoverOf({ kind, metadata }: KubeObject, instance: FarmObject): Leftover | undefined {
  const { name = "", uid = "", ownerReferences } = metadata;
  const owner = ownerReferences?.find(({ controller }) => controller === true);
  if (owner?.kind !== INSTANCES.kind || owner.apiVersion !== INSTANCES.apiVersion) return undefined;
  if (owner.name !== instance.metadata.name || owner.uid === instance.metadata.uid) return undefined;
  if (kind !== "Pod" && kind !== "Service") return undefined;
  return { kind, name, uid, ownerUid: owner.uid };
}

/** Those that nobody has deleted yet. */
export function leftoversAmong(children: readonly KubeObject[], instance: FarmObject): Leftover[] {
  return children
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap((child) => leftoverOf(child, instance) ?? []);
}

/** Unless it is the cache that is behind, and its owner the instance that has the name now. */
export async function deleteLeftover(
  client: KubeClient,
  { kind, name, uid, ownerUid }: Leftover,
  instance: ObjectMeta,
): Promise<void> {
  const present = await client.get(INSTANCES, instance.name ?? "", instance.namespace);
  if (present?.metadata.uid === ownerUid) return;
  await client.delete(kind === "Pod" ? PODS : SERVICES, name, instance.namespace, { uid });
}
