import type { KubeClient } from "./kube-client.ts";
import type { KubeObject, Resource } from "./kube-object.ts";

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
  readonly signal?: AbortSignal;
}
