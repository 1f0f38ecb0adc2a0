import { createHmac } from "node:crypto";

/** Name in the certificate of an agent in a pod: its address changes, the pod's uid never does. */
export function agentServerName(podUid: string): string {
  return `${podUid}.agents.emufarm`;
}

/**
 * The token that the agent of this pod takes. Made from the farm's key, so that whoever has the key needs no list of
 * tokens; worth nothing at any other agent.
 */
export function agentToken(farmKey: string, podUid: string): string {
  return createHmac("sha256", farmKey).update(`agent ${podUid}`).digest("base64url");
}
