import { describe, expect, it } from "vitest";
import { CUSTOM_RESOURCES, type CustomResource } from "../../../src/core/kubernetes/custom-resources.ts";
import { resourceDefinition } from "../../../src/core/kubernetes/resource-definition.ts";
import type { StructuralSchema } from "../../../src/core/kubernetes/structural-schema.ts";

/** Every schema below one, with its path. */
function* walk(schema: StructuralSchema, path = ""): Generator<readonly [path: string, StructuralSchema]> {
  yield [path, schema];
  for (const [name, field] of Object.entries(schema.properties ?? {})) yield* walk(field, `${path}.${name}`);
  if (schema.items) yield* walk(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* walk(schema.additionalProperties, `${path}.*`);
}

function schemaOf(resource: CustomResource): StructuralSchema {
  const [version] = resourceDefinition(resource).spec.versions;
  if (!version) throw new Error("a definition has a version");
  return version.schema.openAPIV3Schema;
}

/** The schema at a path such as `.status.conditions[?(@.type=="Ready")].reason`. */
function at(schema: StructuralSchema, path: string): StructuralSchema | undefined {
  const names = path
    .replaceAll(/\[[^\]]*\]/g, ".[]")
    .split(".")
    .slice(1);
  return names.reduce<StructuralSchema | undefined>(
    (below, name) => (name === "[]" ? below?.items : below?.properties?.[name]),
    schema,
  );
}

describe.each(CUSTOM_RESOURCES)("$kind", (resource) => {
  const schema = schemaOf(resource);
  const all = [...walk(schema)];

  it("has a description on every field", () => {
    const bare = all.filter(([path, { description }]) => {
      const isField = path !== "" && !path.startsWith(".metadata") && !/(\[\]|\.\*)$/.test(path);
      return isField && !description?.endsWith(".");
    });
    expect(bare.map(([path]) => path)).toEqual([]);
    expect(all.length).toBeGreaterThan(40);
  });

  it("is structural: each part has a type, and nothing is one of several schemas", () => {
    for (const [path, part] of all) {
      const isTyped = part.type !== undefined || "x-kubernetes-int-or-string" in part;
      expect(isTyped || part.enum !== undefined, path).toBe(true);
      expect(Object.keys(part), path).not.toEqual(expect.arrayContaining([expect.stringMatching(/Of$|\$ref|not/)]));
    }
  });

  it("has a greatest length for every list that a rule or a merge looks at", () => {
    const unbounded = all.filter(([, part]) => part["x-kubernetes-list-type"] && part.maxItems === undefined);
    expect(unbounded.map(([path]) => path)).toEqual([]);
  });

  it("has rules with a sentence each, about fields that there are", () => {
    for (const [path, part] of all) {
      for (const { rule, message, fieldPath } of part["x-kubernetes-validations"] ?? []) {
        expect(rule, path).not.toBe("");
        expect(message, path).toMatch(/\w \w/);
        if (fieldPath !== undefined) expect(at(part, fieldPath), `${path}${fieldPath}`).toBeDefined();
      }
    }
  });

  it("has columns of fields that there are, Ready and Age among them, and some for -o wide only", () => {
    for (const { jsonPath } of resource.columns) {
      if (!jsonPath.startsWith(".metadata")) expect(at(schema, jsonPath), jsonPath).toBeDefined();
    }
    expect(resource.columns.filter(({ isWide }) => !isWide).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["Ready", "Age"]),
    );
    expect(resource.columns.some(({ isWide }) => isWide)).toBe(true);
  });

  it("has a status of its own, with conditions that are merged by their type", () => {
    const [version] = resourceDefinition(resource).spec.versions;
    expect(version?.subresources.status).toEqual({});
    expect(at(schema, ".status.observedGeneration")?.type).toBe("integer");
    expect(at(schema, ".status.conditions")?.["x-kubernetes-list-map-keys"]).toEqual(["type"]);
  });
});
