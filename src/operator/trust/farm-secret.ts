import type { KubeClient } from "../../kube/kube-client.ts";
import { isAlreadyExists, isConflict } from "../../kube/kube-error.ts";
import { FIELD_MANAGER, SECRETS, type Secret } from "../kubernetes/kinds.ts";
import { MANAGED_BY } from "../kubernetes/labels.ts";

/** What a Secret holds, by key. */
export type Texts = Readonly<Record<string, string>>;

export interface FarmSecretOptions {
  readonly client: KubeClient;
  /** The operator's own. */
  readonly namespace: string;
  readonly name: string;
  /** What it shall hold; `{}` comes in where there is none yet. May be called again, for what somebody else has made of it. */
  readonly change: (texts: Texts) => Promise<Texts>;
}

/**
 * The texts of a Secret of the farm's own, made where it is absent, written where they have changed. Never by a
 * template: that would make it anew each time it is rendered.
 */
export async function changeFarmSecret(options: FarmSecretOptions): Promise<Texts> {
  const { client, name, namespace, change } = options;
  const found = await client.get(SECRETS, name, namespace);
  const texts = found ? textsOf(found) : {};
  const wanted = await change(texts);
  try {
    if (!found) {
      const metadata = { name, namespace, labels: MANAGED_BY };
      const secret: Secret = { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", data: dataOf(wanted) };
      await client.create(SECRETS, secret, { fieldManager: FIELD_MANAGER });
    } else if (JSON.stringify(texts) !== JSON.stringify(wanted)) {
      const { resourceVersion } = found.metadata;
      const patch = { metadata: { resourceVersion }, data: dataOf(wanted) };
      await client.patch(SECRETS, name, namespace, patch, { fieldManager: FIELD_MANAGER });
    }
    return wanted;
  } catch (error) {
    if (!isAlreadyExists(error) && !isConflict(error)) throw error;
    // Another replica was first: what it has made is the farm's.
    return changeFarmSecret(options);
  }
}

function textsOf({ data = {} }: Secret): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, base64]) => [key, Buffer.from(base64, "base64").toString()]),
  );
}

/** Texts as a Secret carries them. */
export function dataOf(texts: Texts): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]));
}
