import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readScenario, scenarioProblem } from "../../../src/cli/farm/documents.ts";
import { errorText } from "../../../src/cli/screen/error-text.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { checkPatterns } from "../../../src/pattern/check-patterns.ts";

it("tells an error with its code", () => {
  const error = new FarmError("NotFound", { kind: "file", name: "none.elf" });
  expect(errorText(error)).toBe("There is no file none.elf. [NotFound]");
});

it("tells a bad pattern of a scenario by its place, as it was written, and with one code", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ef-"));
  const path = join(folder, "s.yaml");
  try {
    await writeFile(path, 'version: 1\nsteps:\n  - wait-serial: {regex: "(ready"}\n');
    const scenario = await readScenario(path, "s.yaml");
    const told = await Promise.resolve()
      .then(() => checkPatterns(scenario))
      .catch((error: unknown) => scenarioProblem(error, path, "s.yaml"));
    expect(errorText(told as FarmError)).toBe(
      "Not valid: s.yaml:3:18: steps[0].wait-serial: The pattern /(ready/ is refused: missing closing ). " +
        "Patterns are RE2: no back-references, no look-around; they run in linear time [InvalidPattern].",
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
