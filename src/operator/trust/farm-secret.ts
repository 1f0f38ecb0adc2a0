import type { KubeClient } from "../../kube/kube-client.ts";
import { isAlreadyExists } from "../../kube/kube-error.ts";
import { FIELD_MANAGER, SECRETS, type Secret } from "../kubernetes/kinds.ts";
import { MANAGED_BY } from "../kubernetes/labels.ts";

export interface FarmSecretOptions {
  readonly client: KubeClient;
  /** The operator's own. */
  readonly namespace: string;
  readonly name: string;
  /** What it holds where there is none yet. */
  readonly make: () => Promise<Readonly<Record<string, string>>>;
}

/**
 * The texts of a Secret of the farm's own, made where it is absent. Never by a template: that would make it anew each
 * time it is rendered.
 */
export async function openFarmSecret(options: FarmSecretOptions): Promise<Readonly<Record<string, string>>> {
  const { client, name, namespace, make } = options;
  const found = await client.get(SECRETS, name, namespace);
  if (found) return textsOf(found);
  const secret: Secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace, labels: MANAGED_BY },
    type: "Opaque",
    data: dataOf(await make()),
  };
  try {
    return textsOf(await client.create(SECRETS, secret, { fieldManager: FIELD_MANAGER }));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    // Another replica was first: its keys are the farm's.
    return openFarmSecret(options);
  }
}

function textsOf({ data = {} }: Secret): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, base64]) => [key, Buffer.from(base64, "base64").toString()]),
  );
}

/** Texts as a Secret carries them. */
export function dataOf(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]));
}
