import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Scenario, ScenarioStep } from "../../core/schema/scenario.ts";
import { MAX_PICTURE_BYTES } from "../../core/schema/screenshot-step.ts";

/**
 * The scenario with the pictures that its steps compare with, which travel in it.
 * @param folder where paths in the scenario begin
 * @throws {FarmError} NotFound, InvalidRequest; `place` in their details is where in the scenario
 */
export async function withPictures(scenario: Scenario, folder: string): Promise<Scenario> {
  const steps = await Promise.all(scenario.steps.map((step, index) => withPicture(step, folder, index)));
  return { ...scenario, steps };
}

async function withPicture(step: ScenarioStep, folder: string, index: number): Promise<ScenarioStep> {
  const screenshot = step["take-screenshot"];
  const name = screenshot?.["compare-with"];
  if (!screenshot || typeof name !== "string") return step;
  const place = `steps.${index}.take-screenshot.compare-with`;
  const bytes = await readPicture(resolve(folder, name), name, place);
  return { ...step, "take-screenshot": { ...screenshot, "compare-with": { name, base64: bytes.toString("base64") } } };
}

async function readPicture(path: string, name: string, place: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new FarmError("NotFound", { kind: "picture", name, place }, { cause });
  }
  if (bytes.length <= MAX_PICTURE_BYTES) return bytes;
  throw new FarmError("InvalidRequest", { problems: `${name} is larger than ${MAX_PICTURE_BYTES} bytes`, place });
}
