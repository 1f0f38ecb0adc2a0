import { z } from "zod";
import { withRules } from "./hint.ts";
import { subdomainName } from "./metadata.ts";
import { quantity } from "./pod-template.ts";

const KINDS = ["emptyDir", "persistentVolumeClaim", "volumeClaimTemplate"] as const;

/** Where the flash, fuses and cards of an instance lie. */
export const instanceStorage = withRules(
  z.strictObject({
    emptyDir: z
      .strictObject({ sizeLimit: quantity.optional().describe("Most bytes; default: no limit of its own.") })
      .optional()
      .describe("On the node: lost with the pod."),
    persistentVolumeClaim: z
      .strictObject({ claimName: subdomainName.describe("Name of the PersistentVolumeClaim.") })
      .optional()
      .describe("On a volume that is there already; it outlives the instance."),
    volumeClaimTemplate: z
      .strictObject({
        size: quantity.describe("Size of the volume."),
        storageClassName: subdomainName.optional().describe("StorageClass; default: that of the cluster."),
        whenDeleted: z
          .enum(["Delete", "Retain"])
          .default("Delete")
          .describe("What becomes of the volume when the instance is deleted."),
      })
      .optional()
      .describe("On a volume that is made for the instance."),
  }),
  {
    message: "needs exactly one of emptyDir, persistentVolumeClaim and volumeClaimTemplate",
    cel: `[${KINDS.map((name) => `has(self.${name})`).join(", ")}].exists_one(one, one)`,
    isValid: (value) => KINDS.filter((name) => value[name] !== undefined).length === 1,
  },
).describe("Where flash, fuses and cards of the board are kept; default: emptyDir. Cannot be changed.");

export type InstanceStorage = z.infer<typeof instanceStorage>;
