import { pool } from "./manifest-builders.ts";
import { type RefusedAtApply, refused } from "./refused-at-apply.ts";

export const REFUSED_POOLS: readonly RefusedAtApply[] = [
  refused(
    "a negative number of agents",
    pool({ replicas: -1 }),
    "[spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0, .spec.replicas: Invalid value: -1: should be a non-negative integer]",
  ),
  refused(
    "agents without slots",
    pool({ slotsPerPod: 0 }),
    "spec.slotsPerPod: Invalid value: 0: spec.slotsPerPod in body should be greater than or equal to 1",
  ),
  refused(
    "fewest agents above most",
    pool({ minReplicas: 5, maxReplicas: 2 }),
    "spec.minReplicas: Invalid value: minReplicas is larger than maxReplicas",
  ),
  refused(
    "fewest agents without most",
    pool({ minReplicas: 1 }),
    "spec.minReplicas: Invalid value: minReplicas needs maxReplicas: without it the pool is not scaled by the queue",
  ),
  refused(
    "more free slots than all",
    pool({ maxReplicas: 1, slotsPerPod: 4, minAvailable: 5 }),
    "spec.minAvailable: Invalid value: minAvailable is more than maxReplicas agents of slotsPerPod slots have",
  ),
  refused(
    "more than all in percent",
    pool({ minAvailable: "120%" }),
    'spec.minAvailable: Invalid value: "120%": must be a whole number, or a percentage from 0% to 100%',
  ),
  refused(
    "replacement that cannot begin",
    pool({ updateStrategy: { maxSurge: "0%", maxUnavailable: 0 } }),
    "spec.updateStrategy: Invalid value: maxSurge and maxUnavailable must not both be 0",
  ),
  refused("a board twice", pool({ boards: ["microbit", "microbit"] }), 'spec.boards[1]: Duplicate value: "microbit"'),
  refused(
    "a tenant without a share",
    pool({ tenantWeights: { radio: 0 } }),
    "spec.tenantWeights.radio: Invalid value: 0: spec.tenantWeights.radio in body should be greater than or equal to 1",
  ),
  refused(
    "a delay without a unit",
    pool({ scaleDownDelay: "300" }),
    'spec.scaleDownDelay: Invalid value: "300": must be a number and a unit of ms, s, m, h or d, such as 500ms or 2s',
  ),
];
