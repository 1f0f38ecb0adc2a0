import { createHmac } from "node:crypto";

/** Name in the certificate of an agent in a pod: its address changes, the pod's uid never does. */
export function agentServerName(podUid: string): string {
  return `${podUid}.agents.emufarm`;
}

/** A pod with it has an agent that takes signed tokens. */
export const TOKENS_ANNOTATION = "emufarm.dev/tokens";
export const SIGNED = "signed";

/** Where the farm is that the agent belongs to: a cluster may have several. */
export const FARM_ANNOTATION = "emufarm.dev/farm";

/** False for agents of the version that knew no signed tokens. */
export function hasSignedTokens({
  metadata,
}: {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}): boolean {
  return metadata.annotations?.[TOKENS_ANNOTATION] === SIGNED;
}

/**
 * The token of an agent of the version that knew no signed ones: made from the farm's key. Operators of this version
 * still know it, so that boards live through an upgrade.
 */
export function agentToken(farmKey: string, podUid: string): string {
  return createHmac("sha256", farmKey).update(`agent ${podUid}`).digest("base64url");
}
