import type { KubeObject, Resource } from "../../kube/kube-object.ts";

/** What of Kubernetes' own objects is read here. */
export interface Pod extends KubeObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly {
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
    }[];
    readonly volumes?: readonly Volume[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly state?: { readonly terminated?: { readonly message?: string } };
    }[];
  };
}

interface Volume {
  readonly projected?: { readonly sources?: readonly { readonly secret?: SecretSource }[] };
}

interface SecretSource {
  readonly name: string;
  readonly items?: readonly { readonly key: string; readonly path: string }[];
}

export interface Service extends KubeObject {
  readonly spec?: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly {
      readonly name?: string;
      readonly port: number;
      readonly targetPort?: number | string;
    }[];
  };
}

export interface Secret extends KubeObject {
  /** In base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface KubeEvent extends KubeObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly eventTime?: string | null;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
}

export interface Deployment extends KubeObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly { readonly image?: string }[];
        readonly imagePullSecrets?: readonly object[];
      };
    };
  };
  readonly status?: { readonly readyReplicas?: number };
}

const core = <Kind extends KubeObject>(kind: string, plural: string): Resource<Kind> => ({
  apiVersion: "v1",
  kind,
  plural,
  isNamespaced: true,
});

export const PODS = core<Pod>("Pod", "pods");
export const SERVICES = core<Service>("Service", "services");
export const SECRETS = core<Secret>("Secret", "secrets");
export const EVENTS = core<KubeEvent>("Event", "events");
export const DEPLOYMENTS: Resource<Deployment> = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  plural: "deployments",
  isNamespaced: true,
};

export function isReady({ metadata, status }: Pod): boolean {
  const isUp = status?.conditions?.some(({ type, status: state }) => type === "Ready" && state === "True");
  return isUp === true && metadata.deletionTimestamp === undefined;
}

/** A text of a Secret; undefined where it has no such key. */
export function secretText({ data = {} }: Secret, key: string): string | undefined {
  const base64 = data[key];
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("utf8");
}
