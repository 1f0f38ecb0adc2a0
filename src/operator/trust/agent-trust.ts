import { agentServerName, agentToken, hasSignedTokens } from "../../client/agent-identity.ts";
import type { TokenSource } from "../../client/connection.ts";
import { type ServerTrust, sharedContext } from "../../client/server-trust.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { activeOf } from "../../core/policy/key-rotation.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { isAlreadyExists } from "../../kube/kube-error.ts";
import { publicKeysOf } from "../../token/signing-keys.ts";
import { createTokenSigner } from "../../token/token-signer.ts";
import { FIELD_MANAGER, type Pod, SECRETS } from "../kubernetes/kinds.ts";
import { IDENTITY_ANNOTATION, MANAGED_BY } from "../kubernetes/labels.ts";
import { type CertificateAuthority, openAuthority } from "./certificate-authority.ts";
import { authorityBundle, type FarmKeys, type FarmKeysOptions, rotateFarmKeys } from "./farm-keys.ts";
import { dataOf } from "./farm-secret.ts";
import { type NamespaceObjectsOptions, openNamespaceObjects } from "./namespace-objects.ts";

/** What agents show to their callers, and callers to agents. */
export interface AgentTrust {
  /** What a pod of an agent has to mount. */
  readonly mounts: TrustMounts;
  /** Makes the Secret that the pod waits for, with a key of its own. */
  issueIdentity(pod: Pod): Promise<void>;
  /** A later certificate for the key of this one. */
  renewCertificate(certificate: string): Promise<string>;
  /** How a caller tells the agent of this pod, and what it brings. */
  credentialsFor(pod: Pod): { readonly token: TokenSource; readonly tls: ServerTrust };
  /** Has the public keys in this namespace, where pods mount them. */
  publishIn(namespace: string): Promise<void>;
  /** Makes what is due, and tells it in these namespaces. Returns when to come again. */
  rotate(namespaces: Iterable<string>): Promise<number>;
}

export interface TrustMounts {
  /** Name of the ConfigMap with the public keys, in every namespace with agents. */
  readonly configMap: string;
  /** True where the identity also has a token for operators, dispatchers and APIs of the earlier version. */
  readonly hasToken: boolean;
}

/** What lies in the ConfigMap: for agents, for API and dispatcher, and for people. */
const KEYS_FILE = "keys.json";
const AUTHORITY_FILE = "ca.crt";
export interface AgentTrustOptions extends FarmKeysOptions {
  readonly inNamespaces: Pick<NamespaceObjectsOptions, "ownerRole" | "networkPolicy">;
}

/** Opens what the farm has, and makes it where it has none yet. */
export async function openAgentTrust(options: AgentTrustOptions): Promise<AgentTrust> {
  const { client, namespace, secret: configMap, clock, rules } = options;
  let keys = await rotateFarmKeys(options);
  let opened: { readonly of: string; readonly authority: CertificateAuthority } | undefined;
  const signer = createTokenSigner({ keys: async () => keys.signing.operator, clock });
  const context = sharedContext();
  const objects = await openNamespaceObjects({ ...options.inNamespaces, client, own: namespace, name: configMap });

  async function authorityNow(): Promise<CertificateAuthority> {
    const active = activeOf(keys.authorities, clock());
    if (!active) throw new FarmError("Internal", { detail: "the farm has no authority for certificates of agents" });
    if (opened?.of !== active.certificate) opened = { of: active.certificate, authority: await openAuthority(active) };
    return opened.authority;
  }

  const publish = (where: string) => objects.ensure(where, publicData(keys));

  await publish(namespace);
  return {
    mounts: { configMap, hasToken: keys.tokenKey !== undefined },
    publishIn: publish,
    async rotate(namespaces) {
      keys = await rotateFarmKeys(options);
      for (const where of new Set([namespace, ...namespaces])) await publish(where);
      return keys.nextAtMs;
    },
    async renewCertificate(certificate) {
      return (await authorityNow()).renew(certificate, clock(), rules.certificateLifeMs);
    },
    async issueIdentity(pod) {
      const authority = await authorityNow();
      const { uid = "" } = pod.metadata;
      const { key, certificate } = await authority.issue([agentServerName(uid)], clock(), rules.certificateLifeMs);
      const { tokenKey } = keys;
      const token = tokenKey === undefined ? {} : { token: agentToken(tokenKey, uid) };
      await createIdentity(client, pod, { "tls.key": key, "tls.crt": certificate, ...token });
    },
    credentialsFor(pod) {
      const { uid = "" } = pod.metadata;
      const { tokenKey = "" } = keys;
      return {
        token: hasSignedTokens(pod) ? () => signer.tokenFor(uid) : agentToken(tokenKey, uid),
        tls: { authority: () => authorityBundle(keys.authorities), serverName: agentServerName(uid), context },
      };
    },
  };
}

function publicData({ authorities, signing }: FarmKeys): Record<string, string> {
  return {
    [KEYS_FILE]: JSON.stringify(publicKeysOf(Object.values(signing).flat())),
    [AUTHORITY_FILE]: authorityBundle(authorities),
  };
}

async function createIdentity(client: KubeClient, pod: Pod, texts: Readonly<Record<string, string>>): Promise<void> {
  const { uid = "", name = "", namespace, annotations } = pod.metadata;
  try {
    await client.create(
      SECRETS,
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: {
          name: annotations?.[IDENTITY_ANNOTATION] ?? name,
          ...(namespace !== undefined && { namespace }),
          labels: MANAGED_BY,
          // With its pod it goes.
          ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid }],
        },
        type: "Opaque",
        data: dataOf(texts),
      },
      { fieldManager: FIELD_MANAGER },
    );
  } catch (error) {
    // An operator before this one got as far as this.
    if (!isAlreadyExists(error)) throw error;
  }
}
