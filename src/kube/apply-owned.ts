import type { KubeClient } from "./kube-client.ts";
import { isAlreadyExists, KubeError } from "./kube-error.ts";
import { isControlledBy, type KubeObject, type ManagedFields, type Resource } from "./kube-object.ts";

/** What became of a child. */
export type ApplyOutcome<Kind> =
  | { readonly kind: "created" | "applied"; readonly object: Kind }
  /** Somebody else's object has the name; it is untouched. */
  | { readonly kind: "foreign"; readonly object: Kind }
  /** Ours, but on its way out: to be created anew when it has gone. */
  | { readonly kind: "terminating"; readonly object: Kind };

export interface ApplyOwnedOptions<Kind extends KubeObject> {
  readonly client: KubeClient;
  readonly resource: Resource<Kind>;
  /** With a name, and with the owner as controller among its `ownerReferences`. */
  readonly object: Kind;
  readonly ownerUid: string;
  readonly fieldManager: string;
  /** True where a cache has the object already: spares a create that would be refused. */
  readonly isKnown?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes sure of a child. It is created first, and applied only where its controller is our owner: an apply alone would
 * merge into whatever has the name. Fields that a later apply leaves out go, also those of the creation.
 */
export async function applyOwned<Kind extends KubeObject>(
  options: ApplyOwnedOptions<Kind>,
): Promise<ApplyOutcome<Kind>> {
  const { client, resource, object, isKnown = false, fieldManager, signal } = options;
  const { name = "", namespace } = object.metadata;
  const call = { signal };
  for (let tries = 1; ; tries += 1) {
    if (!isKnown || tries > 1) {
      try {
        return { kind: "created", object: await client.create(resource, object, { ...call, fieldManager }) };
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    }
    const present = await client.get(resource, name, namespace, call);
    // Gone since: once more from the start. A name that comes and goes all the time is for the next reconcile.
    if (present) return await applyToPresent(options, present);
    if (tries > 1)
      throw new KubeError({ status: 409, reason: "Conflict", message: `${resource.kind} ${name} comes and goes` });
  }
}

async function applyToPresent<Kind extends KubeObject>(
  options: ApplyOwnedOptions<Kind>,
  present: Kind,
): Promise<ApplyOutcome<Kind>> {
  const { client, resource, object, ownerUid, fieldManager, signal } = options;
  if (!isControlledBy(present, ownerUid)) return { kind: "foreign", object: present };
  if (present.metadata.deletionTimestamp !== undefined) return { kind: "terminating", object: present };
  await ownCreation(options, present);
  // With the uid: should the name change hands right now, the API server refuses.
  const exact = { ...object, metadata: { ...object.metadata, uid: present.metadata.uid } } as Kind;
  const call = { fieldManager, force: true, signal };
  return { kind: "applied", object: await client.apply(resource, exact, call) };
}

/**
 * What was created is recorded as an update of ours, beside which an apply counts as another writer: fields that it
 * leaves out would stay. So the creation is recorded as our first apply, once.
 */
async function ownCreation<Kind extends KubeObject>(options: ApplyOwnedOptions<Kind>, present: Kind): Promise<void> {
  const { client, resource, fieldManager, signal } = options;
  const { name = "", namespace, resourceVersion, managedFields = [] } = present.metadata;
  const isOurs = ({ manager, subresource }: ManagedFields) => manager === fieldManager && subresource === undefined;
  const isCreation = (entry: ManagedFields) => isOurs(entry) && entry.operation === "Update";
  const hasApplied = managedFields.some((entry) => isOurs(entry) && entry.operation === "Apply");
  if (hasApplied || !managedFields.some(isCreation)) return;
  const owned = managedFields.map((entry) => (isCreation(entry) ? { ...entry, operation: "Apply" } : entry));
  await client.patch(resource, name, namespace, { metadata: { resourceVersion, managedFields: owned } }, { signal });
}
