import { stringify } from "yaml";

/** A value as YAML that YAML 1.1 reads alike: no line is folded, nothing is shared by aliases. */
export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, version: "1.1" });
}
