import { z } from "zod";
import { commonStatus } from "./condition.ts";
import { duration } from "./duration.ts";
import { boundedRecord, setOf, withRules } from "./hint.ts";
import { API_VERSION, metadata, objectName } from "./metadata.ts";
import { podTemplate } from "./pod-template.ts";

const MAX_REPLICAS = 1_000;
const replicas = z.number().int().min(0).max(MAX_REPLICAS);

/** A number, or a share of what there is: 2 or 25%. */
const numberOrPercentage = z.union([
  z
    .number()
    .int()
    .min(0)
    .max(MAX_REPLICAS * 64),
  z
    .string()
    .max(4)
    .regex(/^(100|[1-9]?\d)%$/, "must be a whole number, or a percentage from 0% to 100%"),
]);
export type NumberOrPercentage = z.infer<typeof numberOrPercentage>;

const isNone = (value: NumberOrPercentage) => value === 0 || value === "0%";

const updateStrategy = withRules(
  z.strictObject({
    maxSurge: numberOrPercentage.default(1).describe("Agents above replicas while they are replaced, or a percentage."),
    maxUnavailable: numberOrPercentage
      .default(0)
      .describe("Agents below replicas while they are replaced, or a percentage."),
  }),
  {
    message: "maxSurge and maxUnavailable must not both be 0",
    cel: "!((self.maxSurge == 0 || self.maxSurge == '0%') && (self.maxUnavailable == 0 || self.maxUnavailable == '0%'))",
    isValid: ({ maxSurge, maxUnavailable }) => !(isNone(maxSurge) && isNone(maxUnavailable)),
  },
);

export const emulatorPoolSpec = withRules(
  z.strictObject({
    boards: setOf(objectName)
      .max(256)
      .default([])
      .describe("Boards that the pool runs; empty: every board that is available."),
    replicas: replicas
      .default(1)
      .describe("Agents. With maxReplicas the queue sets it, unless something else writes the scale sub-resource."),
    slotsPerPod: z.number().int().min(1).max(64).default(8).describe("Slots of each agent."),
    minReplicas: replicas.optional().describe("Fewest agents when scaled by the queue; default: 0."),
    maxReplicas: replicas
      .min(1)
      .optional()
      .describe("Most agents when scaled by the queue; without it the pool is not scaled by the queue."),
    minAvailable: numberOrPercentage
      .default(0)
      .describe("Free slots to keep warm when scaled by the queue: a number, or a percentage of those in use."),
    scaleDownDelay: duration
      .default("5m")
      .describe("How long an agent must have been free before the queue's scaling takes it away."),
    drainTimeout: duration
      .default("1h")
      .describe("How long an agent that is to go may finish its jobs; what runs then is tried again elsewhere."),
    updateStrategy: updateStrategy
      .prefault({})
      .describe(
        "How agents are replaced when the template, the slots, what their boards need, or the farm's image changes.",
      ),
    tenantWeights: boundedRecord(z.number().int().min(1).max(1_000).describe("Share of the tenant."), 1_000)
      .default({})
      .describe("Share of each tenant in turns; a tenant that is not named has 1."),
    podTemplate: podTemplate.prefault({}),
  }),
  {
    message: "minReplicas is larger than maxReplicas",
    path: ["minReplicas"],
    cel: "!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",
    isValid: ({ minReplicas = 0, maxReplicas = MAX_REPLICAS }) => minReplicas <= maxReplicas,
  },
  {
    message: "minReplicas needs maxReplicas: without it the pool is not scaled by the queue",
    path: ["minReplicas"],
    cel: "!has(self.minReplicas) || has(self.maxReplicas)",
    isValid: ({ minReplicas, maxReplicas }) => minReplicas === undefined || maxReplicas !== undefined,
  },
  {
    message: "minAvailable is more than maxReplicas agents of slotsPerPod slots have",
    path: ["minAvailable"],
    cel: "!has(self.maxReplicas) || type(self.minAvailable) == string || int(self.minAvailable) <= self.maxReplicas * self.slotsPerPod",
    isValid: ({ minAvailable, maxReplicas = MAX_REPLICAS, slotsPerPod }) =>
      typeof minAvailable === "string" || minAvailable <= maxReplicas * slotsPerPod,
  },
).describe("What the pool shall be.");

export type EmulatorPoolSpec = z.infer<typeof emulatorPoolSpec>;

/** Types of a pool's conditions, in the order in which they are listed. */
export const POOL_CONDITIONS = [
  /** As many agents of the present spec serve as are asked for. */
  "Ready",
  /** At least one agent serves. */
  "Available",
  /** Agents are made, replaced or drained. */
  "Progressing",
  /** The queue sets the replicas. */
  "ScalingActive",
] as const;
export type PoolCondition = (typeof POOL_CONDITIONS)[number];

const count = (what: string) => z.number().int().min(0).optional().describe(what);

export const emulatorPoolStatus = z
  .strictObject({
    ...commonStatus,
    replicas: count("Agents that there are, those that drain included."),
    ready: count("Agents that serve."),
    updated: count("Agents made for the present template, slots, needs of boards, and image."),
    draining: count("Agents that finish their work and then go."),
    slots: count("Slots of the agents that serve."),
    allocated: count("Slots in use."),
    available: count("Free slots."),
    selector: z.string().max(512).optional().describe("Selector of the pool's pods, for the scale sub-resource."),
  })
  .describe("What the pool is.");

export type EmulatorPoolStatus = z.infer<typeof emulatorPoolStatus>;

export const emulatorPool = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).describe("API group and version."),
    kind: z.literal("EmulatorPool").describe("EmulatorPool."),
    metadata,
    spec: emulatorPoolSpec,
    status: emulatorPoolStatus.optional(),
  })
  .describe("Warm slots for jobs and leases: replicas agents of slotsPerPod slots.");

export type EmulatorPool = z.infer<typeof emulatorPool>;
