import { z } from "zod";
import { attemptId, attemptResult, attemptStatus } from "./attempt.ts";
import { instanceStatus } from "./desired-state.ts";

/**
 * Lines of the agent's `GET /v1/events` (NDJSON). The stream opens with `hello`, which holds all there is,
 * so that nothing has to be asked first and nothing can fall between; then come changes as they happen.
 */
export const agentEvent = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("hello"),
    agentId: z.string().describe("Id of this agent process; a new one after a restart."),
    slots: z.number().int().describe("Slots of the agent."),
    freeSlots: z.number().int().describe("Free slots now."),
    isDraining: z.boolean().describe("True when no new work is taken."),
    attempts: z.array(attemptStatus).describe("Every attempt that is not acknowledged, results included."),
    instances: z.array(instanceStatus).describe("Every instance."),
    certificate: z.string().optional().describe("The certificate that the agent shows, as PEM; none without TLS."),
  }),
  z.strictObject({
    type: z.literal("slots"),
    freeSlots: z.number().int().describe("Free slots now."),
    isDraining: z.boolean(),
  }),
  z.strictObject({ type: z.literal("attemptRunning"), id: attemptId }),
  z.strictObject({ type: z.literal("attemptReady"), id: attemptId }),
  z.strictObject({ type: z.literal("attemptFinished"), id: attemptId, result: attemptResult }),
  z.strictObject({ type: z.literal("instance"), instance: instanceStatus }).describe("An instance has changed."),
  z.strictObject({ type: z.literal("instanceDeleted"), uid: z.string() }),
]);
export type AgentEvent = z.infer<typeof agentEvent>;
