import type { KubeClient } from "../../kube/kube-client.ts";
import type { KubeObject, OwnerReference, Resource } from "../../kube/kube-object.ts";
import { CONFIG_MAPS, FIELD_MANAGER } from "../kubernetes/kinds.ts";
import { MANAGED_BY } from "../kubernetes/labels.ts";

/** What the farm has in each namespace with agents: its public keys, and who may reach them. */
export interface NamespaceObjects {
  /** Has both there, with these keys. */
  ensure(namespace: string, data: Readonly<Record<string, string>>): Promise<void>;
}

export interface NamespaceObjectsOptions {
  readonly client: KubeClient;
  /** Of the objects. */
  readonly name: string;
  /** The operator's own namespace, in which there are no agents. */
  readonly own: string;
  /** Name of the ClusterRole that the objects go with when the farm is uninstalled; undefined: they stay. */
  readonly ownerRole: string | undefined;
  /** Spec of the NetworkPolicy of agents; undefined: there is none. */
  readonly networkPolicy: object | undefined;
}

interface NetworkPolicy extends KubeObject {
  readonly spec: object;
}

const CLUSTER_ROLES: Resource<KubeObject> = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  plural: "clusterroles",
  isNamespaced: false,
};
const NETWORK_POLICIES: Resource<NetworkPolicy> = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  isNamespaced: true,
};
/** Somebody may have deleted them: before a new pod they are looked after again. */
const ENSURED_MS = 60_000;

export async function openNamespaceObjects(options: NamespaceObjectsOptions): Promise<NamespaceObjects> {
  const { client, name, own, networkPolicy } = options;
  const ownerReferences = await ownersOf(options);
  const ensured = new Map<string, { readonly text: string; readonly atMs: number }>();
  const by = { fieldManager: FIELD_MANAGER, force: true };

  async function apply(namespace: string, data: Readonly<Record<string, string>>): Promise<void> {
    const metadata = { name, namespace, labels: MANAGED_BY, ...ownerReferences };
    await client.apply(CONFIG_MAPS, { apiVersion: "v1", kind: "ConfigMap", metadata, data }, by);
    if (networkPolicy === undefined || namespace === own) return;
    const { apiVersion, kind } = NETWORK_POLICIES;
    await client.apply(NETWORK_POLICIES, { apiVersion, kind, metadata, spec: networkPolicy }, by);
  }

  return {
    async ensure(namespace, data) {
      const text = JSON.stringify(data);
      const known = ensured.get(namespace);
      if (known?.text === text && performance.now() - known.atMs < ENSURED_MS) return;
      await apply(namespace, data);
      ensured.set(namespace, { text, atMs: performance.now() });
    },
  };
}

/** Namespaced objects may belong to one that has no namespace: with the farm's role they go, by the garbage collector. */
async function ownersOf({ client, ownerRole }: NamespaceObjectsOptions) {
  if (ownerRole === undefined) return {};
  const role = await client.get(CLUSTER_ROLES, ownerRole);
  const uid = role?.metadata.uid;
  if (uid === undefined) return {};
  const { apiVersion, kind } = CLUSTER_ROLES;
  return { ownerReferences: [{ apiVersion, kind, name: ownerRole, uid } satisfies OwnerReference] };
}
