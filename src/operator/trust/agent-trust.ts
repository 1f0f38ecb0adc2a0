import { randomBytes } from "node:crypto";
import { agentServerName, agentToken } from "../../client/agent-identity.ts";
import type { ServerTrust } from "../../client/connection.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { isAlreadyExists } from "../../kube/kube-error.ts";
import { FIELD_MANAGER, type Pod, SECRETS } from "../kubernetes/kinds.ts";
import { IDENTITY_ANNOTATION, MANAGED_BY } from "../kubernetes/labels.ts";
import { createAuthority, openAuthority } from "./certificate-authority.ts";
import { dataOf, openFarmSecret } from "./farm-secret.ts";

/** What agents show to their callers, and callers to agents. */
export interface AgentTrust {
  /** Makes the Secret that the pod waits for, with a key of its own. */
  issueIdentity(pod: Pod): Promise<void>;
  /** How a caller tells the agent of this pod, and what it brings. */
  credentialsFor(podUid: string): { readonly token: string; readonly tls: ServerTrust };
}

const IDENTITY_LIFE_MS = 2 * 365 * 86_400_000;
const TOKEN_KEY_BYTES = 32;

export interface AgentTrustOptions {
  readonly client: KubeClient;
  /** The operator's own. */
  readonly namespace: string;
  /** Name of the Secret with the authority of agents' certificates, and the key that tokens are made from. */
  readonly secret: string;
  /** The wall clock: certificates are for others. */
  readonly clock: () => number;
}

/** Opens what the farm has, and makes it where it has none yet. */
export async function openAgentTrust({ client, namespace, secret, clock }: AgentTrustOptions): Promise<AgentTrust> {
  const make = async () => {
    const { key, certificate } = await createAuthority(clock());
    const tokenKey = randomBytes(TOKEN_KEY_BYTES).toString("base64url");
    return { "ca.key": key, "ca.crt": certificate, "token.key": tokenKey };
  };
  const texts = await openFarmSecret({ client, namespace, name: secret, make });
  const authority = await openAuthority({ key: texts["ca.key"] ?? "", certificate: texts["ca.crt"] ?? "" });
  const tokenKey = texts["token.key"] ?? "";
  return {
    async issueIdentity(pod) {
      const { uid = "", name = "", namespace: where, annotations } = pod.metadata;
      const { key, certificate } = await authority.issue([agentServerName(uid)], clock(), IDENTITY_LIFE_MS);
      try {
        await client.create(
          SECRETS,
          {
            apiVersion: "v1",
            kind: "Secret",
            metadata: {
              name: annotations?.[IDENTITY_ANNOTATION] ?? name,
              ...(where !== undefined && { namespace: where }),
              labels: MANAGED_BY,
              // With its pod it goes.
              ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid }],
            },
            type: "Opaque",
            data: dataOf({ "tls.key": key, "tls.crt": certificate, token: agentToken(tokenKey, uid) }),
          },
          { fieldManager: FIELD_MANAGER },
        );
      } catch (error) {
        // An operator before this one got as far as this.
        if (!isAlreadyExists(error)) throw error;
      }
    },
    credentialsFor: (podUid) => ({
      token: agentToken(tokenKey, podUid),
      tls: { authority: authority.certificate, serverName: agentServerName(podUid) },
    }),
  };
}
