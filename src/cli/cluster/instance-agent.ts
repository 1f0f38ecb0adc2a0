import { type AgentClient, createAgentClient } from "../../client/agent-client.ts";
import { agentServerName } from "../../client/agent-identity.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { EMULATOR_INSTANCE } from "../../core/kubernetes/custom-resources.ts";
import { KubeError } from "../../kube/kube-error.ts";
import type { NamedBoard } from "../farm/documents.ts";
import { PODS, type Pod, SECRETS, secretText } from "./cluster-objects.ts";
import type { InstanceObject } from "./describe-object.ts";
import type { Cluster } from "./open-cluster.ts";
import { needObject } from "./print-objects.ts";

/** Where the operator writes the name of the Secret with the agent's identity, and the board that the pod is for. */
const IDENTITY_ANNOTATION = "emufarm.dev/identity";
const BOARD_ANNOTATION = "emufarm.dev/board";
const AGENT_PORT = 8_080;

/** An instance in its pod. */
export interface PlacedInstance {
  readonly object: InstanceObject;
  readonly uid: string;
  readonly pod: Pod;
  /** The board that the pod was made for. */
  readonly board: NamedBoard;
}

/** @throws {FarmError} NotFound, ChannelUnreachable without a pod */
export async function findInstance(cluster: Cluster, name: string): Promise<PlacedInstance> {
  const { namespace } = cluster;
  const object = (await needObject(cluster, EMULATOR_INSTANCE, name, namespace)) as InstanceObject;
  const { podName, phase, conditions } = object.status ?? {};
  const pod = podName && (await cluster.ask(`Pod ${podName}`, ({ client }) => client.get(PODS, podName, namespace)));
  if (!pod) {
    const ready = conditions?.find(({ type }) => type === "Ready")?.message?.replace(/[.]$/, "");
    const problem = `it has no pod now (${phase ?? "Pending"})${ready ? `; ${ready}` : ""}`;
    throw new FarmError("ChannelUnreachable", { channel: "A channel", instance: name, problem });
  }
  return { object, uid: object.metadata.uid ?? "", pod, board: boardOf(pod, object) };
}

/**
 * The instance's agent, by way of the API server, with the identity that the operator gave it: for whoever may read
 * Secrets in the namespace. Undefined for others.
 */
export async function connectAgent(cluster: Cluster, { pod }: PlacedInstance): Promise<AgentClient | undefined> {
  const { name = "", namespace = "", uid = "", annotations = {} } = pod.metadata;
  const secretName = annotations[IDENTITY_ANNOTATION];
  if (secretName === undefined) return undefined;
  const secret = await cluster.ask(`Secret ${secretName}`, async ({ client }) => {
    try {
      return await client.get(SECRETS, secretName, namespace);
    } catch (error) {
      // Raw ports need no Secret.
      if (error instanceof KubeError && error.status === 403) return undefined;
      throw error;
    }
  });
  const token = secret && secretText(secret, "token");
  const certificate = secret && secretText(secret, "tls.crt");
  if (token === undefined || certificate === undefined) return undefined;
  const { port } = await cluster.ask(`Pod ${name}`, (kube) =>
    kube.forward(async () => ({ namespace, pod: name, port: AGENT_PORT })),
  );
  const tls = { authority: certificate, serverName: agentServerName(uid) };
  return createAgentClient({ address: `https://127.0.0.1:${port}`, token, tls });
}

/** As the operator noted it when it made the pod. @throws {FarmError} ChannelUnreachable */
function boardOf({ metadata }: Pod, { metadata: { name = "" } }: InstanceObject): NamedBoard {
  const text = metadata.annotations?.[BOARD_ANNOTATION];
  if (text !== undefined) return JSON.parse(text) as NamedBoard;
  const problem = `pod ${metadata.name} does not say what board it is for`;
  throw new FarmError("ChannelUnreachable", { channel: "A channel", instance: name, problem });
}
