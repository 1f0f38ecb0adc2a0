import type { CustomResource } from "../../core/kubernetes/custom-resources.ts";
import type { EmulatorInstanceSpec } from "../../core/schema/emulator-instance.ts";
import type { EmulatorInstanceStatus } from "../../core/schema/emulator-instance-status.ts";
import type { KubeObject } from "../../kube/kube-object.ts";
import { type JsonOptions, jsonText } from "../command/json-option.ts";
import { EXIT } from "../exit-code.ts";
import { followUp } from "../farm/follow-up.ts";
import { painter } from "../screen/style.ts";
import type { Surroundings } from "../surroundings.ts";
import { EVENTS, type KubeEvent } from "./cluster-objects.ts";
import { instanceRows, nextSteps } from "./instance-text.ts";
import { type DescribedObject, objectText, type Row } from "./object-text.ts";
import { type Cluster, openCluster } from "./open-cluster.ts";
import { needObject } from "./print-objects.ts";

/** An instance as the API server has it: what was left out of its spec has its defaults. */
export interface InstanceObject extends KubeObject {
  readonly spec: Partial<EmulatorInstanceSpec> & Pick<EmulatorInstanceSpec, "board">;
  readonly status?: Partial<EmulatorInstanceStatus> | undefined;
}

/** `emufarm describe emu/NAME`: an object of the cluster, its conditions and events, and what can be done next. */
export async function describeObject(
  surroundings: Surroundings,
  { kind, name }: { kind: CustomResource; name: string },
  options: JsonOptions,
): Promise<number> {
  const { stdout, env } = surroundings;
  await using cluster = await openCluster(surroundings, options);
  const namespace = kind.isNamespaced ? cluster.namespace : undefined;
  const object = await needObject(cluster, kind, name, namespace);
  if (options.json) {
    stdout.write(jsonText(object));
    return EXIT.passed;
  }
  const described: DescribedObject = {
    object,
    rows: rowsOf(object),
    events: await eventsOf(cluster, object),
    next: nextOf(surroundings, object, options),
  };
  stdout.write(objectText(described, painter(stdout, env), Date.now()));
  return EXIT.passed;
}

/** Without them the rest is worth telling all the same; they are a separate right. */
async function eventsOf(cluster: Cluster, { metadata }: KubeObject): Promise<readonly KubeEvent[] | undefined> {
  const { uid = "", namespace = "default" } = metadata;
  if (!(await cluster.ask("Events", (kube) => kube.may({ verb: "list", resource: "events", namespace })))) {
    return undefined;
  }
  const selection = { namespace, fieldSelector: `involvedObject.uid=${uid}` };
  return (await cluster.ask("Events", ({ client }) => client.list(EVENTS, selection))).items;
}

function rowsOf(object: KubeObject): Row[] {
  if (object.kind === "EmulatorInstance") return instanceRows(object as InstanceObject);
  const { spec, status } = object as { spec?: Record<string, unknown>; status?: Record<string, unknown> } & KubeObject;
  return [...plainRows(spec), ...plainRows(status)];
}

/** Fields that hold one value; the others are for `get -o yaml`. */
function plainRows(fields: Readonly<Record<string, unknown>> = {}): Row[] {
  return Object.entries(fields).flatMap(([name, value]): Row[] =>
    typeof value === "object" || name === "observedGeneration" ? [] : [[name, String(value)]],
  );
}

function nextOf(surroundings: Surroundings, object: KubeObject, options: JsonOptions): Row[] {
  if (object.kind !== "EmulatorInstance") return [];
  const next = (...words: string[]) => followUp(surroundings, options, words);
  return nextSteps(object as InstanceObject, next, options);
}
