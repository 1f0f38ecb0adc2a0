import { stringify } from "yaml";
import { CUSTOM_RESOURCES } from "../../src/core/kubernetes/custom-resources.ts";
import { resourceDefinition } from "../../src/core/kubernetes/resource-definition.ts";
import type { Generated } from "../generate.ts";

/** The CustomResourceDefinitions, which the chart installs. */
export function generateResourceDefinitions(): Generated {
  const folder = "charts/emufarm/crds";
  const files = CUSTOM_RESOURCES.map((resource): [string, string] => {
    const definition = resourceDefinition(resource);
    // kubectl reads YAML 1.1, where On is a boolean.
    const text = stringify(definition, { compat: "yaml-1.1", lineWidth: 120, aliasDuplicateObjects: false });
    return [`${folder}/${definition.metadata.name}.yaml`, `# Made by npm run generate from src/core/schema.\n${text}`];
  });
  return { folder, files: new Map(files) };
}
