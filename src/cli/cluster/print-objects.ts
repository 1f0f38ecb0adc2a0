import { FarmError } from "../../core/error/farm-error.ts";
import { yamlText } from "../../document/yaml-text.ts";
import type { KubeObject } from "../../kube/kube-object.ts";
import { jsonText } from "../command/json-option.ts";
import { EXIT } from "../exit-code.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Question } from "./object-question.ts";
import type { Cluster } from "./open-cluster.ts";

/** Objects as they are: one by its name as itself, any others as a List. */
export async function printObjects(
  { stdout }: Surroundings,
  cluster: Cluster,
  questions: readonly Question[],
  format: "json" | "yaml",
): Promise<number> {
  const found = (await Promise.all(questions.map((question) => objectsOf(cluster, question)))).flat().map(readable);
  const isOne = questions.length === 1 && questions[0]?.name !== undefined;
  const value = isOne ? found[0] : { apiVersion: "v1", kind: "List", items: found };
  stdout.write(format === "json" ? jsonText(value) : yamlText(value));
  return EXIT.passed;
}

async function objectsOf(cluster: Cluster, { kind, name, ...selection }: Question): Promise<KubeObject[]> {
  if (name === undefined) {
    return (await cluster.ask(`${kind.kind}s`, ({ client }) => client.list(kind, selection))).items;
  }
  return [await needObject(cluster, kind, name, selection.namespace)];
}

/** @throws {FarmError} NotFound */
export async function needObject(
  cluster: Cluster,
  kind: Question["kind"],
  name: string,
  namespace: string | undefined,
): Promise<KubeObject> {
  const found = await cluster.ask(`${kind.kind} ${name}`, ({ client }) => client.get(kind, name, namespace));
  if (found) return found;
  // The path of a kind that is not there leads nowhere either.
  await cluster.ask(`${kind.kind}s`, ({ client }) => client.list(kind, namespace === undefined ? {} : { namespace }));
  const where = namespace === undefined ? "" : ` in namespace ${namespace}`;
  throw new FarmError("NotFound", { kind: kind.kind, name: `${name}${where}` });
}

/** Who wrote which field is of no use to people. */
function readable(object: KubeObject): KubeObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
}
