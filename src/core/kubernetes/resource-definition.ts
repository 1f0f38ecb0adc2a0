import { API_GROUP, API_VERSION, NAME_PATTERN } from "../schema/metadata.ts";
import type { CustomResource, PrinterColumn } from "./custom-resources.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

/** Category of all kinds: `kubectl get emufarm`. */
export const CATEGORY = "emufarm";

/** The CustomResourceDefinition of a kind, as an object to be written as YAML or applied. */
export function resourceDefinition(resource: CustomResource) {
  const { kind, plural, shortName, isNamespaced, columns, selectableFields = [], isScalable = false } = resource;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${API_GROUP}`, labels: { "app.kubernetes.io/part-of": "emufarm" } },
    spec: {
      group: API_GROUP,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: [CATEGORY],
      },
      scope: isNamespaced ? "Namespaced" : "Cluster",
      versions: [
        {
          name: API_VERSION.slice(API_GROUP.length + 1),
          served: true,
          storage: true,
          schema: { openAPIV3Schema: rootSchema(resource) },
          subresources: {
            status: {},
            ...(isScalable && {
              scale: {
                specReplicasPath: ".spec.replicas",
                statusReplicasPath: ".status.replicas",
                labelSelectorPath: ".status.selector",
              },
            }),
          },
          additionalPrinterColumns: columns.map(printerColumn),
          ...(selectableFields.length > 0 && {
            selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })),
          }),
        },
      ],
    },
  };
}

function printerColumn({ isWide = false, ...column }: PrinterColumn) {
  return { ...column, ...(isWide && { priority: 1 }) };
}

/** The status of an object that the operator has not seen yet: kstatus would take one without a status for done. */
const UNSEEN = { observedGeneration: -1 };

function rootSchema({ description, spec, status, isReconciled = false }: CustomResource): StructuralSchema {
  return {
    type: "object",
    description,
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", description: `API group and version: ${API_VERSION}.` },
      kind: { type: "string", description: "Kind of the object." },
      // Named for the path of the rule below.
      metadata: { type: "object", properties: { name: { type: "string" } } },
      spec: structuralSchema(spec),
      status: { ...structuralSchema(status), ...(isReconciled && { default: UNSEEN }) },
    },
    "x-kubernetes-validations": [
      {
        // Pods, Services and labels are named after the object.
        rule: `self.metadata.name.size() <= 63 && self.metadata.name.matches('${NAME_PATTERN.source}')`,
        message:
          "must be at most 63 lower-case letters, digits and '-', and begin with a letter: Services and labels take it over",
        fieldPath: ".metadata.name",
      },
    ],
  };
}
