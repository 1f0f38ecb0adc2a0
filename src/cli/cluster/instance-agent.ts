import { type AgentClient, type AgentClientOptions, createAgentClient } from "../../client/agent-client.ts";
import { agentServerName, FARM_ANNOTATION, hasSignedTokens } from "../../client/agent-identity.ts";
import { createFarmClient } from "../../client/farm-client.ts";
import type { ErrorCode } from "../../core/error/catalogue.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { EMULATOR_INSTANCE } from "../../core/kubernetes/custom-resources.ts";
import { KubeError } from "../../kube/kube-error.ts";
import type { NamedBoard } from "../farm/documents.ts";
import { farmIn } from "./cluster-farm.ts";
import { PODS, type Pod, SECRETS, secretText } from "./cluster-objects.ts";
import type { InstanceObject } from "./describe-object.ts";
import type { Cluster } from "./open-cluster.ts";
import { needObject } from "./print-objects.ts";

/** Where the operator writes the name of the Secret with the agent's identity, and the board that the pod is for. */
const IDENTITY_ANNOTATION = "emufarm.dev/identity";
const BOARD_ANNOTATION = "emufarm.dev/board";
const AGENT_PORT = 8_080;
/** Refusals after which a raw port may still do. */
const NO_WAY = new Set<ErrorCode>(["Forbidden", "NotFound", "TokenRefused", "InvalidRequest", "FarmNotRunning"]);
const RENEW_MS = 60_000;

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
 * The instance's agent, by way of the API server: for whoever the farm's API lets in. For others, why not: raw ports need
 * no agent.
 */
export async function connectAgent(cluster: Cluster, { pod }: PlacedInstance): Promise<AgentClient | NoAgent> {
  const way = hasSignedTokens(pod) ? await wayByApi(cluster, pod) : await wayBySecret(cluster, pod);
  if ("problem" in way) return way;
  const { name = "", namespace = "" } = pod.metadata;
  const { port } = await cluster.ask(`Pod ${name}`, (kube) =>
    kube.forward(async () => ({ namespace, pod: name, port: AGENT_PORT })),
  );
  return createAgentClient({ address: `https://127.0.0.1:${port}`, ...way });
}

/** Why there is no way to an agent. */
export interface NoAgent {
  readonly problem: string;
}

type Way = Pick<AgentClientOptions, "token" | "tls">;

/** The API signs a token for this pod, for a few minutes; another one when it is asked again. */
async function wayByApi(cluster: Cluster, { metadata }: Pod): Promise<Way | NoAgent> {
  const { name = "", namespace = "", annotations = {} } = metadata;
  try {
    const address = await farmIn(cluster, { farmNamespace: annotations[FARM_ANNOTATION] });
    const farm = createFarmClient({ ...address, namespace });
    const granted = await farm.agentToken({ pod: name, namespace });
    const { serverName, authority } = granted;
    let { token, expiresAt } = granted;
    return {
      tls: { serverName, authority },
      async token() {
        if (Date.now() > Date.parse(expiresAt) - RENEW_MS) {
          ({ token, expiresAt } = await farm.agentToken({ pod: name, namespace }));
        }
        return token;
      },
    };
  } catch (error) {
    const { code, message } = FarmError.from(error);
    if (!NO_WAY.has(code)) throw error;
    return { problem: `the farm's API gives no way to the agent: ${message.replace(/[.]$/, "")}` };
  }
}

/** Agents of the version before have a token for good in their Secret. */
async function wayBySecret(cluster: Cluster, pod: Pod): Promise<Way | NoAgent> {
  const { namespace = "", uid = "", annotations = {} } = pod.metadata;
  const problem = `you may not read Secrets in namespace ${namespace}, where the way to its agent lies`;
  const secretName = annotations[IDENTITY_ANNOTATION];
  if (secretName === undefined) return { problem };
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
  if (token === undefined || certificate === undefined) return { problem };
  return { token, tls: { authority: certificate, serverName: agentServerName(uid) } };
}

/** As the operator noted it when it made the pod. @throws {FarmError} ChannelUnreachable */
function boardOf({ metadata }: Pod, { metadata: { name = "" } }: InstanceObject): NamedBoard {
  const text = metadata.annotations?.[BOARD_ANNOTATION];
  if (text !== undefined) return JSON.parse(text) as NamedBoard;
  const problem = `pod ${metadata.name} does not say what board it is for`;
  throw new FarmError("ChannelUnreachable", { channel: "A channel", instance: name, problem });
}
