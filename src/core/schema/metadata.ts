import { z } from "zod";

/** API group and version of every kind. */
export const API_VERSION = "emufarm.dev/v1alpha1";

/** RFC 1035 label: also valid as the name of a Kubernetes Service. */
export const NAME_PATTERN = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

export const objectName = z
  .string()
  .min(1)
  .max(63)
  .regex(NAME_PATTERN, "must be lower-case letters, digits and '-', and begin with a letter")
  .describe("Name of the object: an RFC 1035 label of at most 63 characters.");

export const metadata = z
  .looseObject({
    name: objectName,
    namespace: objectName.optional().describe("Namespace; ignored on one machine."),
    labels: z.record(z.string(), z.string()).optional().describe("Labels, for selection."),
    annotations: z.record(z.string(), z.string()).optional().describe("Annotations, free text."),
  })
  .describe("Standard object metadata.");

export type Metadata = z.infer<typeof metadata>;

/** Lower-case hexadecimal SHA-256, 64 characters. */
export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits")
  .describe("SHA-256 of the bytes, in lower-case hexadecimal.");
