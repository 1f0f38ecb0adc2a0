import { z } from "zod";
import { labels } from "./metadata.ts";

/* Where a pod may run, in the words of core/v1 of Kubernetes. */

const key = (what: string) => z.string().min(1).max(317).describe(what);
const operator = (...operators: [string, ...string[]]) => z.enum(operators).describe("How key and values relate.");
const values = z.array(z.string().max(63)).max(64).optional().describe("Values; none for Exists and DoesNotExist.");
const weight = z.number().int().min(1).max(100).describe("Weight of the term among the preferred ones.");

const labelSelector = z
  .strictObject({
    matchLabels: labels.optional().describe("Labels that a pod must have."),
    matchExpressions: z
      .array(
        z
          .strictObject({
            key: key("Key of the label."),
            operator: operator("In", "NotIn", "Exists", "DoesNotExist"),
            values,
          })
          .describe("A demand on one label."),
      )
      .max(16)
      .optional()
      .describe("Demands on labels, all of which must hold."),
  })
  .describe("Which pods are meant, by their labels.");

const nodeDemand = z
  .strictObject({
    key: key("Key of the node's label, or name of its field."),
    operator: operator("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"),
    values,
  })
  .describe("A demand on a node.");

const nodeTerm = z
  .strictObject({
    matchExpressions: z.array(nodeDemand).max(16).optional().describe("Demands on labels of the node."),
    matchFields: z.array(nodeDemand).max(16).optional().describe("Demands on fields of the node."),
  })
  .describe("Demands on a node, all of which must hold.");

const podTerm = z
  .strictObject({
    labelSelector: labelSelector.optional(),
    topologyKey: key("Label of nodes whose equal values make a place, such as kubernetes.io/hostname."),
    namespaces: z.array(z.string().max(63)).max(16).optional().describe("Namespaces of those pods; default: its own."),
    namespaceSelector: labelSelector.optional().describe("Namespaces of those pods, by their labels."),
  })
  .describe("Pods in the same place.");

const podTerms = z
  .strictObject({
    requiredDuringSchedulingIgnoredDuringExecution: z
      .array(podTerm)
      .max(8)
      .optional()
      .describe("Terms that must hold when the pod is placed."),
    preferredDuringSchedulingIgnoredDuringExecution: z
      .array(z.strictObject({ weight, podAffinityTerm: podTerm }).describe("A wish."))
      .max(8)
      .optional()
      .describe("Terms that should hold when the pod is placed."),
  })
  .describe("Terms about other pods.");

export const affinity = z
  .strictObject({
    nodeAffinity: z
      .strictObject({
        requiredDuringSchedulingIgnoredDuringExecution: z
          .strictObject({
            nodeSelectorTerms: z.array(nodeTerm).min(1).max(8).describe("Terms of which one must hold."),
          })
          .optional()
          .describe("What must hold of the node when the pod is placed."),
        preferredDuringSchedulingIgnoredDuringExecution: z
          .array(z.strictObject({ weight, preference: nodeTerm }).describe("A wish."))
          .max(8)
          .optional()
          .describe("What should hold of the node when the pod is placed."),
      })
      .optional()
      .describe("Which nodes the pod wants."),
    podAffinity: podTerms.optional().describe("Which pods it wants to be near."),
    podAntiAffinity: podTerms.optional().describe("Which pods it wants to be away from."),
  })
  .describe("Which nodes and neighbours the pod wants.");

export const toleration = z
  .strictObject({
    key: key("Key of the taint; default: every taint, with operator Exists.").optional(),
    operator: z.enum(["Exists", "Equal"]).optional().describe("How key and value relate; default: Equal."),
    value: z.string().max(63).optional().describe("Value of the taint, for Equal."),
    effect: z
      .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"])
      .optional()
      .describe("Effect of the taint; default: every one."),
    tolerationSeconds: z
      .number()
      .int()
      .optional()
      .describe("How long the pod stays on a node with the taint, for NoExecute; default: for ever."),
  })
  .describe("A taint that the pod bears.");

export const topologySpreadConstraint = z
  .strictObject({
    maxSkew: z.number().int().min(1).describe("Largest difference of numbers of pods between two places."),
    topologyKey: key("Label of nodes whose equal values make a place, such as topology.kubernetes.io/zone."),
    whenUnsatisfiable: z
      .enum(["DoNotSchedule", "ScheduleAnyway"])
      .describe("What happens where it cannot be kept: the pod waits, or is placed nevertheless."),
    minDomains: z.number().int().min(1).optional().describe("Fewest places, for DoNotSchedule."),
  })
  .describe("How pods of the same object spread.");
