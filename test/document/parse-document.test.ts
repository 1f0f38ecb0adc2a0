import { describe, expect, test } from "vitest";
import { z } from "zod";
import { FarmError } from "../../src/core/error/farm-error.ts";
import { board } from "../../src/core/schema/board.ts";
import { runFile } from "../../src/core/schema/run.ts";
import { scenario } from "../../src/core/schema/scenario.ts";
import { parseDocument, parseDocuments } from "../../src/document/parse-document.ts";

function problemsOf(text: string, schema: z.ZodType = scenario): string {
  try {
    parseDocument(text, schema, { file: "t.yaml" });
  } catch (error) {
    if (error instanceof FarmError && error.code === "InvalidDocument") return String(error.details.problems);
    throw error;
  }
  throw new Error("the document was accepted");
}

describe("A document", () => {
  test("is read and completed by its schema", () => {
    const text = "version: 1\nsteps:\n  - wait-serial: ready\n  - reset:\n    timeout: 2s\n";
    expect(parseDocument(text, scenario, { file: "t.yaml" })).toEqual({
      version: 1,
      steps: [{ "wait-serial": "ready" }, { reset: null, timeout: "2s" }],
      fail: [],
      monitors: [],
    });
  });

  test("that is a flood of brackets is refused with its first problems, however many there are", () => {
    const problems = problemsOf("[]".repeat(70_000));
    expect(problems).toContain("t.yaml:1:3: ");
    expect(problems.length).toBeLessThan(10_000);
  });

  test("may share a file with others; empty ones are left out", () => {
    const schema = z.strictObject({ a: z.number() });
    expect(parseDocuments("---\na: 1\n---\n# nothing\n---\na: 2\n", schema, { file: "t.yaml" })).toEqual([
      { a: 1 },
      { a: 2 },
    ]);
  });

  test.each<[string, string, string]>([
    [
      "a step action that does not exist, with the nearest name",
      "version: 1\nsteps:\n  - wait-serail: ready\n",
      't.yaml:3:5: steps[0]: found unknown key "wait-serail", expected name, wait-serial, write-serial, delay, power, reset, pause, resume, qmp, expect-exit, expect-pin, set-pin, set-control, property, take-screenshot, snapshot, timeout or clock; did you mean "wait-serial"?',
    ],
    [
      "a wrong key in a step",
      "version: 1\nsteps:\n  - wait-serial:\n      txt: ready\n",
      't.yaml:4:7: steps[0].wait-serial: found unknown key "txt", expected text, regex, all or uart; did you mean "text"?',
    ],
    [
      "a wrong type, where several are right",
      "version: 1\nsteps:\n  - wait-serial: 5\n",
      "t.yaml:3:18: steps[0].wait-serial: found 5, expected a string or a map",
    ],
    [
      "a duration without its unit",
      "version: 1\nsteps:\n  - delay: 2\n",
      "t.yaml:3:12: steps[0].delay: found 2, which must have a unit of ms, s, m, h or d: write 2s for seconds",
    ],
    [
      "a text that begins with a brace and has no quotes",
      "version: 1\nname: {board}.elf\n",
      "t.yaml:2:14: Unexpected scalar at node end; a text that begins with { or [ needs quotes",
    ],
    [
      "an image in the place of a document",
      "\u007fELF\u0001\u0000\u0000",
      "t.yaml:1:1: is not a text file, expected YAML; an image is run by emufarm run BOARD IMAGE",
    ],
    ["a wrong type", "version: 1\nsteps: yes\n", 't.yaml:2:8: steps: found "yes", expected a list'],
    ["a wrong literal", 'version: "1"\n', 't.yaml:1:10: version: found "1", expected 1'],
    ["a missing key", "steps: []\n", "t.yaml:1:1: version: is missing; expected 1"],
    [
      "a wrong word, with the nearest",
      "version: 1\nmonitors:\n  - type: unty\n",
      't.yaml:3:11: monitors[0].type: found "unty", expected "unity", "ztest" or "regex"; did you mean "unity"?',
    ],
    [
      "a wrong format",
      "version: 1\nsteps:\n  - delay: 5 minutes\n",
      't.yaml:3:12: steps[0].delay: found "5 minutes", which must be a number and a unit of ms, s, m, h or d, such as 500ms or 2s',
    ],
    [
      "a wrong key in a branch of a union, which explains the missing one",
      "version: 1\nfail:\n  - regx: a\n",
      't.yaml:3:5: fail[0]: found unknown key "regx", expected regex or uart; did you mean "regex"?',
    ],
    [
      "a wrong word deep in a union",
      "version: 1\nsteps:\n  - expect-exit: {reason: GuestCrashd}\n",
      't.yaml:3:27: steps[0].expect-exit.reason: found "GuestCrashd", expected "GuestExited", "GuestShutdown", "GuestReset", "ResetLoop", "GuestCrashed", "SandboxViolation", "MemoryLimit", "OutputLimit", "Stopped", "EmulatorRefused" or "EmulatorKilled"; did you mean "GuestCrashed"?',
    ],
    [
      "two actions in a step",
      "version: 1\nsteps:\n  - wait-serial: a\n    reset:\n",
      "t.yaml:3:5: steps[0]: has 2 actions (wait-serial, reset); expected one",
    ],
    ["another kind of value", "- 1\n", "t.yaml:1:1: found a list, expected a map"],
    ["a key that is there twice", "version: 1\nsteps: []\nsteps: []\n", "t.yaml:3:1: Map keys must be unique"],
    ["no document", "# nothing\n", "t.yaml:1:1: found nothing, expected a document"],
    ["more than one", "version: 1\n---\nversion: 1\n", "t.yaml:1:1: found 2 documents, expected one"],
  ])("is refused for %s", (_title, text, problems) => {
    expect(problemsOf(text)).toBe(problems);
  });

  test("tells every problem at once, in order, each on a line of its own, and points to the first", () => {
    const text = "version: 2\nsteps:\n  - dleay: 5s\n  - delay: 5\nfial: []\n";
    const [head, ...lines] = problemsOf(text).split("\n");
    expect(head).toBe("4 problems:");
    expect(lines.map((line) => line.match(/^t\.yaml:(\d+:\d+): /)?.[1])).toEqual(["1:10", "3:5", "4:12", "5:1"]);
    expect(() => parseDocument(text, scenario, { file: "t.yaml" })).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ line: 1, column: 10, count: 4 }) }),
    );
  });

  test.each([
    ["an open bracket", "version: 1\nsteps: [\n", /^t\.yaml:3:1: /m],
    ["a wrong indentation", "version: 1\n  steps: []\n", /^t\.yaml:[12]:\d+: /m],
    ["a tab", "version: 1\nsteps:\n\t- reset:\n", /^t\.yaml:3:1: /m],
    ["an alias without anchor", "version: 1\nname: *nobody\n", /^t\.yaml:2:7: /m],
  ])("is refused for YAML that is broken: %s", (_title, text, problems) => {
    expect(problemsOf(text)).toMatch(problems);
  });

  test("is refused when its aliases grow it a billionfold", () => {
    const levels = Array.from(
      { length: 12 },
      (_, at) => `l${at + 1}: &l${at + 1} [${Array(9).fill(`*l${at}`).join(", ")}]`,
    );
    expect(problemsOf(`l0: &l0 [x]\n${levels.join("\n")}\n`)).toMatch(/alias/i);
  });

  test("is refused when it is nested too deeply", () => {
    expect(problemsOf("[".repeat(100_000))).toMatch(/./);
  });

  test("says where in a second document the problem is", () => {
    const schema = z.strictObject({ a: z.number() });
    expect(() => parseDocuments("a: 1\n---\na: x\n", schema, { file: "b.yaml" })).toThrow('b.yaml:3:4: a: found "x"');
  });

  test("may be a board, and knows its keys", () => {
    const text = "apiVersion: emufarm.dev/v1alpha1\nkind: Board\nmetadata: {name: a}\nspec:\n  titel: A\n";
    expect(problemsOf(text, board)).toContain('t.yaml:5:3: spec: found unknown key "titel", expected title,');
  });

  test("may be a run file, with a scenario in place", () => {
    const text = `apiVersion: emufarm.dev/v1alpha1
kind: Run
metadata: {name: a}
spec:
  jobs:
    - board: mps2-an385
      firmware: a.elf
      scenario:
        version: 1
        steps:
          - resett:
`;
    expect(problemsOf(text, runFile)).toContain(
      't.yaml:11:13: spec.jobs[0].scenario.steps[0]: found unknown key "resett"',
    );
    expect(problemsOf(text, runFile)).toContain('did you mean "reset"?');
  });
});
