import { z } from "zod";
import { boundedRecord, withRules } from "./hint.ts";

/** API group of every kind. */
export const API_GROUP = "emufarm.dev";
/** API group and version of every kind. */
export const API_VERSION = `${API_GROUP}/v1alpha1`;

/** RFC 1035 label: also valid as the name of a Kubernetes Service. */
export const NAME_PATTERN = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

export const objectName = z
  .string()
  .min(1)
  .max(63)
  .regex(NAME_PATTERN, "must be lower-case letters, digits and '-', and begin with a letter")
  .describe("Name of the object: an RFC 1035 label of at most 63 characters.");

/** Name of an object of Kubernetes itself, such as a ConfigMap: an RFC 1123 subdomain. */
export const subdomainName = z
  .string()
  .min(1)
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    "must be lower-case letters, digits, '-' and '.'",
  )
  .describe("Name of the object.");

const labelValue = z
  .string()
  .max(63)
  .regex(/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/, "must be a label's value: letters, digits, '-', '_' and '.'")
  .describe("Value of the label.");

/** Keys that the farm gives itself. */
const RESERVED_KEYS = {
  message: "keys of emufarm.dev/ and app.kubernetes.io/ are the farm's own",
  cel: "self.all(key, !key.startsWith('emufarm.dev/') && !key.startsWith('app.kubernetes.io/'))",
  isValid: (value: Readonly<Record<string, unknown>>) =>
    Object.keys(value).every((key) => !key.startsWith("emufarm.dev/") && !key.startsWith("app.kubernetes.io/")),
};

const MAX_KEYS = 64;

/** Labels by which people select. */
export const labels = boundedRecord(labelValue, MAX_KEYS);
/** Labels that people may add to what the farm makes. */
export const addedLabels = withRules(labels, RESERVED_KEYS);
/** Annotations that people may add to what the farm makes. */
export const addedAnnotations = withRules(
  boundedRecord(z.string().max(65_536).describe("Value of the annotation."), MAX_KEYS),
  RESERVED_KEYS,
);

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
  .max(64)
  .regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits")
  .describe("SHA-256 of the bytes, in lower-case hexadecimal.");
