import { agentServerName, hasSignedTokens } from "../../client/agent-identity.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { AgentToken } from "../../core/wire/agent-token.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import type { KubeObject, Resource } from "../../kube/kube-object.ts";
import type { AgentKeys } from "./agent-keys.ts";

/** Lets a person use the channels of boards in a pod, for a few minutes. @throws {FarmError} NotFound */
export type GrantAgentAccess = (pod: { readonly namespace: string; readonly name: string }) => Promise<AgentToken>;

const PODS: Resource<KubeObject> = { apiVersion: "v1", kind: "Pod", plural: "pods", isNamespaced: true };
const AGENT_NAME = "emufarm-agent";

export function createAgentAccess(client: Pick<KubeClient, "get">, keys: AgentKeys): GrantAgentAccess {
  return async ({ namespace, name }) => {
    const pod = await client.get(PODS, name, namespace);
    const uid = pod?.metadata.uid;
    if (!pod || uid === undefined || pod.metadata.labels?.["app.kubernetes.io/name"] !== AGENT_NAME) {
      throw new FarmError("NotFound", { kind: "pod of an agent", name: `${name} in namespace ${namespace}` });
    }
    if (!hasSignedTokens(pod)) {
      const problem = "its agent is of an earlier version, which takes no signed tokens; a new pod has a new one";
      throw new FarmError("Conflict", { what: `Pod ${name}`, problem });
    }
    const { token, expiresAtMs } = await keys.signer.freshToken(uid);
    return {
      token,
      expiresAt: new Date(expiresAtMs).toISOString(),
      serverName: agentServerName(uid),
      authority: await keys.authority(),
    };
  };
}
