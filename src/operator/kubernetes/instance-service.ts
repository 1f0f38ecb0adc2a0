import { contentDigest } from "../../client/content-digest.ts";
import type { ObservedService } from "../../core/policy/instance-observation.ts";
import type { EmulatorInstanceSpec } from "../../core/schema/emulator-instance.ts";
import { isControlledBy, type OwnerReference } from "../../kube/kube-object.ts";
import type { ChannelPort } from "./instance-ports.ts";
import type { Service } from "./kinds.ts";
import { INSTANCE_LABEL, INSTANCE_UID_LABEL, MANAGED_BY } from "./labels.ts";

export interface InstanceServiceOptions {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly owner: OwnerReference;
  readonly expose: Exclude<EmulatorInstanceSpec["expose"], "None">;
  readonly ports: readonly ChannelPort[];
}

/** The stable address of an instance. Not-ready addresses too, so that a debugger reaches a paused board. */
export function instanceService({ name, namespace, uid, owner, expose, ports }: InstanceServiceOptions): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace, labels: { ...MANAGED_BY, [INSTANCE_LABEL]: name }, ownerReferences: [owner] },
    spec: {
      type: expose === "NodePort" ? "NodePort" : "ClusterIP",
      ...(expose === "Headless" && { clusterIP: "None" }),
      selector: { [INSTANCE_UID_LABEL]: uid },
      publishNotReadyAddresses: true,
      ports: ports.map((port) => ({ name: port.name, port: port.port, targetPort: port.port, protocol: "TCP" })),
    },
  };
}

/** How the Service stands that has the instance's name. */
export function observeService(
  found: Service | undefined,
  wanted: Service | undefined,
  ownerUid: string,
): ObservedService {
  if (!found) return { state: "none" };
  if (!isControlledBy(found, ownerUid)) return wanted ? { state: "foreign" } : { state: "none" };
  const { uid = "", deletionTimestamp } = found.metadata;
  if (deletionTimestamp !== undefined) return { state: "terminating" };
  if (!wanted || isHeadless(found) !== isHeadless(wanted)) return { state: "different", mustBeReplaced: true, uid };
  if (shapeOf(found) !== shapeOf(wanted)) return { state: "different", mustBeReplaced: false, uid };
  const ports = found.spec?.ports ?? [];
  const nodePorts = ports.flatMap(({ name, nodePort }) => (nodePort === undefined ? [] : [[name, nodePort] as const]));
  return { state: "good", nodePorts: Object.fromEntries(nodePorts) };
}

/** A service's cluster address cannot be changed. */
function isHeadless({ spec }: Service): boolean {
  return spec?.clusterIP === "None";
}

/** What the operator decides of it; the rest is the API server's. */
function shapeOf({ spec }: Service): string {
  const ports = (spec?.ports ?? []).map(({ name, port, targetPort }) => ({ name, port, targetPort }));
  return contentDigest([spec?.type, spec?.selector, spec?.publishNotReadyAddresses, ports]);
}
