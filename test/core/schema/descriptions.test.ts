import { describe, expect, it } from "vitest";
import { z } from "zod";
import { board } from "../../../src/core/schema/board.ts";
import { emulatorInstance } from "../../../src/core/schema/emulator-instance.ts";
import { emulatorPool } from "../../../src/core/schema/emulator-pool.ts";
import { jobSpec } from "../../../src/core/schema/job.ts";
import { runFile, runSpec } from "../../../src/core/schema/run.ts";
import { scenario } from "../../../src/core/schema/scenario.ts";

interface JsonSchema {
  description?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  additionalProperties?: JsonSchema | boolean;
}

/** Paths of the properties without a description of their own. */
function undescribed(schema: JsonSchema, path = ""): string[] {
  const below = [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
      ...(property.description ? [] : [`${path}.${name}`]),
      ...undescribed(property, `${path}.${name}`),
    ]),
    ...(schema.items ? undescribed(schema.items, `${path}[]`) : []),
    ...(schema.anyOf ?? []).flatMap((one) => undescribed(one, path)),
  ];
  return typeof schema.additionalProperties === "object"
    ? [...below, ...undescribed(schema.additionalProperties, `${path}.*`)]
    : below;
}

describe("schemas that become CRDs, OpenAPI, CLI help and docs", () => {
  it.each(Object.entries({ board, emulatorInstance, emulatorPool, jobSpec, runSpec, runFile, scenario }))(
    "%s describes each of its fields",
    (_name, schema) => {
      const json = z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" }) as JsonSchema;
      expect(Object.keys(json.properties ?? {}).length).toBeGreaterThan(1);
      expect(undescribed(json)).toEqual([]);
    },
  );
});
