import { z } from "zod";
import { API_VERSION, metadata, objectName } from "./metadata.ts";

export const emulatorPool = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).describe("API group and version."),
    kind: z.literal("EmulatorPool").describe("EmulatorPool."),
    metadata,
    spec: z
      .strictObject({
        boards: z
          .array(objectName)
          .default([])
          .describe("Boards that the pool runs; empty: every board that is available."),
        replicas: z.number().int().min(0).default(1).describe("Agents."),
        slotsPerPod: z.number().int().min(1).max(64).default(8).describe("Slots of each agent."),
        minReplicas: z.number().int().min(0).optional().describe("Fewest agents, when scaled by the queue."),
        maxReplicas: z.number().int().min(1).optional().describe("Most agents, when scaled by the queue."),
        minAvailable: z.number().int().min(0).default(0).describe("Free slots to keep warm."),
        tenantWeights: z
          .record(z.string(), z.number().int().min(1).max(1_000))
          .default({})
          .describe("Share of each tenant in turns; a tenant that is not named has 1."),
      })
      .refine((spec) => (spec.minReplicas ?? 0) <= (spec.maxReplicas ?? Number.POSITIVE_INFINITY), {
        message: "minReplicas is larger than maxReplicas",
        path: ["minReplicas"],
      })
      .describe("What the pool shall be."),
  })
  .describe("Warm slots for jobs and leases: replicas agents of slotsPerPod slots.");

export type EmulatorPool = z.infer<typeof emulatorPool>;
