import { FarmError } from "../../core/error/farm-error.ts";
import { CUSTOM_RESOURCES } from "../../core/kubernetes/custom-resources.ts";
import { API_GROUP } from "../../core/schema/metadata.ts";
import type { Action } from "../../kube/kube-connection.ts";
import { KubeError } from "../../kube/kube-error.ts";
import type { Finding } from "../command/finding.ts";
import type { ClusterOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import { DEPLOYMENTS } from "./cluster-objects.ts";
import { networkFinding } from "./network-probe.ts";
import { type Cluster, openCluster } from "./open-cluster.ts";

/** What a person may want to do, and what it takes. */
const RIGHTS: readonly { readonly task: string; readonly actions: readonly Action[] }[] = [
  { task: "see instances", actions: [{ verb: "list", group: API_GROUP, resource: "emulatorinstances" }] },
  { task: "make instances", actions: [{ verb: "create", group: API_GROUP, resource: "emulatorinstances" }] },
  { task: "raw consoles", actions: [portForward()] },
  { task: "consoles and logs", actions: [portForward(), channels()] },
];

/** What the farm's API asks before it gives a way to an agent. */
function channels(): Action {
  return { verb: "create", group: API_GROUP, resource: "emulatorinstances", subresource: "channels" };
}

function portForward(): Action {
  return { verb: "create", resource: "pods", subresource: "portforward" };
}

/** What the cluster has for boards, and what one may do there. */
export async function clusterFindings(
  surroundings: Surroundings,
  options: ClusterOptions & { readonly probeNetwork?: true },
): Promise<Finding[]> {
  await using cluster = await openCluster(surroundings, options);
  const { server, context } = cluster.kube;
  let version: string;
  try {
    version = await cluster.ask("version", (kube) => kube.version());
  } catch (error) {
    const { message } = FarmError.from(error);
    return [{ level: "fail", subject: "cluster", text: message, advice: "kubectl version asks the same server" }];
  }
  const text = `Kubernetes ${version} at ${server}, context ${context}, namespace ${cluster.namespace}`;
  const [kinds, parts, rights] = await Promise.all([
    kindsFinding(cluster),
    partsFinding(cluster),
    rightsFindings(cluster),
  ]);
  const network = options.probeNetwork ? [await networkFinding(cluster)] : [];
  return [{ level: "ok", subject: "cluster", text }, kinds, parts, ...rights, ...network];
}

async function kindsFinding({ ask }: Cluster): Promise<Finding> {
  const found = await ask("kinds", (kube) =>
    Promise.all(CUSTOM_RESOURCES.map(({ apiVersion, kind }) => kube.findResource(apiVersion, kind))),
  );
  const missing = CUSTOM_RESOURCES.filter((_, index) => found[index] === undefined).map(({ kind }) => kind);
  if (missing.length === 0) return { level: "ok", subject: "kinds", text: "all of emufarm.dev/v1alpha1" };
  const advice = "helm install emufarm charts/emufarm; after an upgrade of the chart apply its crds/ folder";
  return { level: "fail", subject: "kinds", text: `the cluster does not know ${missing.join(", ")}`, advice };
}

/** The farm's own programs, as far as one may see them. */
async function partsFinding({ ask }: Cluster): Promise<Finding> {
  const subject = "farm";
  const labelSelector = "app.kubernetes.io/part-of=emufarm";
  const found = await ask("Deployments", async ({ client }) => {
    try {
      return (await client.list(DEPLOYMENTS, { labelSelector })).items;
    } catch (error) {
      if (error instanceof KubeError && error.status === 403) return undefined;
      throw error;
    }
  });
  if (found === undefined) return { level: "ok", subject, text: "you may not look at Deployments of all namespaces" };
  if (found.length === 0) {
    const advice = "helm install emufarm charts/emufarm";
    return { level: "fail", subject, text: "no operator and no API runs in the cluster", advice };
  }
  const namespaces = [...new Set(found.map(({ metadata }) => metadata.namespace))];
  const parts = found.map(({ metadata, spec, status }) => {
    const [ready, wanted] = [status?.readyReplicas ?? 0, spec?.replicas ?? 1];
    return { isReady: ready >= wanted, text: `${metadata.name} ${ready}/${wanted}` };
  });
  const text = `${parts.map((part) => part.text).join(", ")} in ${namespaces.join(", ")}`;
  if (parts.every(({ isReady }) => isReady)) return { level: "ok", subject, text };
  return { level: "fail", subject, text, advice: `kubectl --namespace ${namespaces[0]} get pods` };
}

async function rightsFindings({ ask, namespace }: Cluster): Promise<Finding[]> {
  const allowed = await ask("rights", (kube) =>
    Promise.all(
      RIGHTS.map(async ({ actions }) =>
        (await Promise.all(actions.map((action) => kube.may({ ...action, namespace })))).every((may) => may),
      ),
    ),
  );
  const may = RIGHTS.filter((_, index) => allowed[index]).map(({ task }) => task);
  const mayNot = RIGHTS.filter((_, index) => !allowed[index]).map(({ task }) => task);
  const findings: Finding[] = [];
  if (may.length > 0)
    findings.push({ level: "ok", subject: "rights", text: `yours in ${namespace}: ${may.join(", ")}` });
  if (mayNot.length > 0) {
    const advice = "the roles view and edit have them: ask whoever runs the cluster, or choose another --namespace";
    findings.push({
      level: "warn",
      subject: "rights",
      text: `not yours in ${namespace}: ${mayNot.join(", ")}`,
      advice,
    });
  }
  return findings;
}
