import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sourceOfPlace } from "../../../src/cli/farm/diagram-beside.ts";
import { readScenario } from "../../../src/cli/farm/documents.ts";

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ef-"));
});

afterAll(() => rm(folder, { recursive: true }));

const drawn = { parts: [{ id: "board", type: "board-demo" }], connections: [] };

it("a scenario has the circuit that is drawn beside it, unless it has one of its own", async () => {
  await writeFile(at("a.yaml"), "version: 1\nsteps: []\n");
  expect((await readScenario(at("a.yaml"), "a.yaml")).diagram).toBeUndefined();
  expect(sourceOfPlace({ path: at("a.yaml"), file: "a.yaml", place: "diagram.parts.0" }).file).toBe("a.yaml");
  await writeFile(at("diagram.json"), JSON.stringify({ version: 1, ...drawn }));
  expect((await readScenario(at("a.yaml"), "a.yaml")).diagram).toMatchObject({ parts: [{ id: "board" }] });
  await writeFile(at("b.yaml"), "version: 1\ndiagram: {parts: [{id: own, type: board-demo}], connections: []}\n");
  expect((await readScenario(at("b.yaml"), "b.yaml")).diagram).toMatchObject({ parts: [{ id: "own" }] });
});

it("what is wrong in a circuit is told with its place in the drawing", () => {
  const place = { path: at("a.yaml"), file: "tests/a.yaml", place: "diagram.parts.0.type" };
  expect(sourceOfPlace(place)).toEqual({ path: at("diagram.json"), file: "tests/diagram.json", place: "parts.0.type" });
  expect(sourceOfPlace({ ...place, place: "steps.0.delay" })).toEqual({ ...place, place: "steps.0.delay" });
});

it("a drawing that is none is told with its own name", async () => {
  await writeFile(at("diagram.json"), "{");
  await expect(readScenario(at("a.yaml"), "tests/a.yaml")).rejects.toMatchObject({
    details: { file: "tests/diagram.json" },
  });
});
