import { z } from "zod";
import { boundedRecord, keyedList } from "./hint.ts";
import { addedAnnotations, addedLabels, labels, subdomainName } from "./metadata.ts";
import { affinity, toleration, topologySpreadConstraint } from "./scheduling.ts";

/** An amount as Kubernetes writes it: 500m, 2, 512Mi. */
export const quantity = z
  .union([
    z.number().int().nonnegative(),
    z
      .string()
      .max(32)
      .regex(
        /^(\d+(\.\d*)?|\.\d+)(([KMGTPE]i)|[numkMGTPE]|[eE][+-]?\d+)?$/,
        "must be an amount such as 500m, 2 or 512Mi",
      ),
  ])
  .describe("Amount, such as 500m, 2 or 512Mi.");
export type Quantity = z.infer<typeof quantity>;

const amounts = boundedRecord(quantity, 32);

/**
 * What people may choose about the pods that run their boards. Everything else is the farm's: containers, volumes,
 * users, capabilities and host namespaces are not in it.
 */
export const podTemplate = z
  .strictObject({
    labels: addedLabels.optional().describe("Labels to add to the pod."),
    annotations: addedAnnotations.optional().describe("Annotations to add to the pod."),
    nodeSelector: labels.optional().describe("Labels that the node must have."),
    tolerations: z.array(toleration).max(32).optional().describe("Taints of nodes that the pod bears."),
    affinity: affinity.optional(),
    topologySpreadConstraints: keyedList(topologySpreadConstraint, "topologyKey", "whenUnsatisfiable")
      .max(8)
      .optional()
      .describe("How the pods of the object spread over zones or nodes."),
    resources: z
      .strictObject({
        requests: amounts.optional().describe("What the node must have free for the pod, by resource."),
        limits: amounts.optional().describe("What the pod may use at most, by resource."),
      })
      .optional()
      .describe("Resources of the agent's container, in place of those computed from the board, one by one."),
    imagePullSecrets: keyedList(
      z.strictObject({ name: subdomainName.describe("Name of the Secret.") }).describe("A Secret for pulling images."),
      "name",
    )
      .max(16)
      .optional()
      .describe("Secrets for pulling the agent's image, besides those of the farm."),
    priorityClassName: subdomainName.optional().describe("PriorityClass of the pod."),
    runtimeClassName: subdomainName.optional().describe("RuntimeClass of the pod."),
    schedulerName: subdomainName.optional().describe("Scheduler that places the pod."),
    terminationGracePeriodSeconds: z
      .number()
      .int()
      .min(1)
      .max(86_400)
      .optional()
      .describe("Seconds that the agent has to end its emulators when the pod goes; default: 30."),
  })
  .describe("What may be chosen about the pod; the rest is the farm's.");

export type PodTemplate = z.infer<typeof podTemplate>;
