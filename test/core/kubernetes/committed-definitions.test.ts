import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { generateResourceDefinitions } from "../../../scripts/generate/resource-definitions.ts";
import { CUSTOM_RESOURCES } from "../../../src/core/kubernetes/custom-resources.ts";
import { resourceDefinition } from "../../../src/core/kubernetes/resource-definition.ts";

const project = join(import.meta.dirname, "../../..");

it("The chart has the definitions that the schemas give: npm run generate", () => {
  const { folder, files } = generateResourceDefinitions();
  expect(readdirSync(join(project, folder ?? "")).sort()).toEqual(
    CUSTOM_RESOURCES.map(({ plural }) => `${plural}.emufarm.dev.yaml`).sort(),
  );
  for (const [path, text] of files) expect(readFileSync(join(project, path), "utf8") === text, path).toBe(true);
});

it.each(CUSTOM_RESOURCES)(
  "The definition of $kind is the same for a reader of YAML 1.1, as kubectl is one",
  (resource) => {
    const { plural } = resource;
    const text = readFileSync(join(project, `charts/emufarm/crds/${plural}.emufarm.dev.yaml`), "utf8");
    expect(parse(text, { version: "1.1" })).toEqual(JSON.parse(JSON.stringify(resourceDefinition(resource))));
  },
);
