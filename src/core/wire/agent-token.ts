import { z } from "zod";
import { objectName } from "../schema/metadata.ts";

/** Asks the API for a way to the channels of boards in a pod. */
export const agentTokenRequest = z.strictObject({
  pod: z.string().min(1).max(253).describe("Name of the agent's pod."),
  namespace: objectName.describe(
    "Its namespace, for which the caller needs the right to create emulatorinstances/channels.",
  ),
});
export type AgentTokenRequest = z.infer<typeof agentTokenRequest>;

/** What a caller shows to the agent, and what the agent shows in turn. */
export const agentToken = z.strictObject({
  token: z.string().describe("For the channels of this pod's boards, and for nothing else."),
  expiresAt: z.iso.datetime().describe("Connections that are open then stay."),
  serverName: z.string().describe("Name in the agent's certificate."),
  authority: z.string().describe("Certificates of the authorities that may have signed it, as PEM."),
});
export type AgentToken = z.infer<typeof agentToken>;
