import { applyOwned } from "../../kube/apply-owned.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { BUDGETS, type Budget, type FarmObject, FIELD_MANAGER } from "../kubernetes/kinds.ts";
import { MANAGED_BY, POOL_UID_LABEL } from "../kubernetes/labels.ts";

/** Agents of a pool that may be evicted at once: their jobs begin again elsewhere. */
const EVICTED_AT_ONCE = 1;

/** False where somebody else's budget has the pool's name. */
export async function applyBudget(client: KubeClient, pool: FarmObject): Promise<boolean> {
  const { apiVersion, kind, metadata } = pool;
  const { name = "", namespace = "", uid = "" } = metadata;
  const object: Budget = {
    apiVersion: BUDGETS.apiVersion,
    kind: BUDGETS.kind,
    metadata: {
      name,
      namespace,
      labels: MANAGED_BY,
      ownerReferences: [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      maxUnavailable: EVICTED_AT_ONCE,
      // An agent that does not serve has nothing to lose, and must not keep a node.
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: { [POOL_UID_LABEL]: uid } },
    },
  };
  const outcome = await applyOwned({ client, resource: BUDGETS, object, ownerUid: uid, fieldManager: FIELD_MANAGER });
  return outcome.kind !== "foreign";
}
