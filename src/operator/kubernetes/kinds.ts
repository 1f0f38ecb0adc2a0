import { API_VERSION } from "../../core/schema/metadata.ts";
import type { KubeObject, Resource } from "../../kube/kube-object.ts";

/** Objects of the farm come as anybody wrote them: their schemas say what they are. */
export interface FarmObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: unknown;
}

export interface PodCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface ContainerStatus {
  readonly name: string;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: {
    readonly reason?: string;
    readonly message?: string;
    readonly exitCode?: number;
    readonly finishedAt?: string;
  };
}

/** What of a pod is read. */
export interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string; readonly [field: string]: unknown };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly PodCondition[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number;
  readonly protocol: "TCP";
  readonly nodePort?: number;
}

export interface Service extends KubeObject {
  readonly spec?: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly selector?: Readonly<Record<string, string>>;
    readonly publishNotReadyAddresses?: boolean;
    readonly ports?: readonly ServicePort[];
  };
}

export interface Secret extends KubeObject {
  readonly type?: string;
  /** In base64. */
  readonly data?: Readonly<Record<string, string>>;
}

/** A PersistentVolumeClaim. */
export interface Claim extends KubeObject {
  readonly spec?: { readonly [field: string]: unknown };
}

/** A PodDisruptionBudget. */
export interface Budget extends KubeObject {
  readonly spec?: {
    readonly maxUnavailable?: number;
    readonly unhealthyPodEvictionPolicy?: string;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  };
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  /** In base64. */
  readonly binaryData?: Readonly<Record<string, string>>;
}

const core = <Kind extends KubeObject>(kind: string, plural: string): Resource<Kind> => ({
  apiVersion: "v1",
  kind,
  plural,
  isNamespaced: true,
});

const farm = (kind: string, plural: string, isNamespaced = true): Resource<FarmObject> => ({
  apiVersion: API_VERSION,
  kind,
  plural,
  isNamespaced,
});

export const PODS = core<Pod>("Pod", "pods");
export const SERVICES = core<Service>("Service", "services");
export const SECRETS = core<Secret>("Secret", "secrets");
export const BUDGETS: Resource<Budget> = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  isNamespaced: true,
};
export const CLAIMS = core<Claim>("PersistentVolumeClaim", "persistentvolumeclaims");
export const CONFIG_MAPS = core<ConfigMap>("ConfigMap", "configmaps");
/** ConfigMaps without what is in them. */
export const CONFIG_MAP_VERSIONS: Resource = { ...core("ConfigMap", "configmaps"), isMetadataOnly: true };
export const INSTANCES = farm("EmulatorInstance", "emulatorinstances");
export const POOLS = farm("EmulatorPool", "emulatorpools");
export const BOARDS = farm("Board", "boards");
export const CLUSTER_BOARDS = farm("ClusterBoard", "clusterboards", false);

/** Who has written what: children, and status. */
export const FIELD_MANAGER = "emufarm-operator";
export const STATUS_FIELD_MANAGER = "emufarm-operator-status";
