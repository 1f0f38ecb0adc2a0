import fc from "fast-check";
import { expect, test } from "vitest";
import { writeJsonReport } from "../../../src/api/report/json-report.ts";
import { writeJunitReport } from "../../../src/api/report/junit-report.ts";
import { toXmlText } from "../../../src/api/report/xml-text.ts";
import { FolderStore } from "../../../src/api/store/folder-store.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { runSpec } from "../../../src/core/schema/run.ts";
import type { JobVerdict, RunRecord } from "../../../src/core/wire/farm.ts";
import { aBoard } from "../../gen/board.ts";
import { aResult, aRun, aVerdict, DIGEST } from "../../gen/run.ts";
import { createTemporaryFolder } from "../store/temporary-folder.ts";
import { type Element, parseXml } from "./xml-parser.ts";

const HOSTILE = 'serial: \u0000\u0001\u001b[31mred\u001b[0m ]]> ]]> <tag attr="1"> & \ud800 \ufffe end';

/** A run with one job for each verdict given; `undefined` is a job that has none yet. */
async function report(verdicts: readonly (Partial<JobVerdict> | undefined)[], names: readonly string[] = []) {
  await using folder = await createTemporaryFolder();
  await using store = await FolderStore.open({
    folder: folder.path,
    onFault(error) {
      throw error;
    },
  });
  const spec = runSpec.parse({
    jobs: verdicts.map((_, index) => ({
      name: names[index] ?? `job ${index}`,
      board: "test-board",
      firmware: { sha256: DIGEST },
    })),
  });
  const run = aRun({ spec, jobCount: verdicts.length, name: "nightly", boards: { "test-board": aBoard() } });
  await store.createRun(run);
  for (const [index, verdict] of verdicts.entries()) {
    if (verdict) await store.createVerdict(aVerdict(jobIdOf(run.id, index), verdict));
  }
  const text = await writeJunitReport(store, run);
  const pieces: string[] = [];
  for await (const piece of writeJsonReport(store, run, { id: run.id } as RunRecord)) pieces.push(piece);
  const json = JSON.parse(pieces.join("")) as { jobs: { state: string; verdict?: JobVerdict }[] };
  const suites = parseXml(text);
  expectAllowed(suites);
  return { text, suites, cases: suites.children.flatMap((suite) => suite.children), json };
}

const logOf = (text: string) => ({
  uart: "uart0",
  bytes: Buffer.byteLength(text),
  keptBytes: Buffer.byteLength(text),
  base64: Buffer.from(text).toString("base64"),
});
/** What the common schema of JUnit reports (Jenkins' junit-10.xsd) allows in what. */
const ALLOWED: Readonly<Record<string, { attributes: readonly string[]; children: readonly string[] }>> = {
  testsuites: { attributes: ["tests", "failures", "errors", "skipped", "name", "time"], children: ["testsuite"] },
  testsuite: {
    attributes: ["name", "timestamp", "tests", "failures", "errors", "skipped", "time"],
    children: ["testcase", "properties"],
  },
  testcase: {
    attributes: ["name", "classname", "time", "file"],
    children: ["properties", "skipped", "error", "failure", "system-out", "system-err"],
  },
  properties: { attributes: [], children: ["property"] },
  property: { attributes: ["name", "value"], children: [] },
  failure: { attributes: ["message", "type"], children: [] },
  error: { attributes: ["message", "type"], children: [] },
  skipped: { attributes: ["message", "type"], children: [] },
  "system-out": { attributes: [], children: [] },
  "system-err": { attributes: [], children: [] },
};

function expectAllowed(element: Element): void {
  const allowed = ALLOWED[element.name];
  expect(allowed, element.name).toBeDefined();
  expect(allowed?.attributes).toEqual(expect.arrayContaining(Object.keys(element.attributes)));
  expect(allowed?.children).toEqual(expect.arrayContaining(element.children.map(({ name }) => name)));
  for (const child of element.children) expectAllowed(child);
}

const childNames = (element: Element | undefined) => element?.children.map(({ name }) => name) ?? [];
const propertiesOf = (element: Element | undefined) =>
  Object.fromEntries(
    element?.children
      .filter(({ name }) => name === "properties")
      .flatMap(({ children }) => children.map(({ attributes }) => [attributes.name, attributes.value])) ?? [],
  );

test("each job is a test case that ends as its verdict says", async () => {
  const error = new FarmError("StepTimeout", { step: "wait-serial: ok", timeout: "5s", clock: "wall" }).toBody();
  const lost = new FarmError("AgentLost", { agent: "a", detail: "gone" }).toBody();
  const { suites, cases, json } = await report([
    {},
    { verdict: "timedOut", isExpected: false, error, result: aResult({ logs: [logOf("the last words\n")] }) },
    { verdict: "failed", isExpected: true },
    { verdict: "errored", isExpected: false, error: lost },
    { verdict: "errored", isExpected: false, isSkipped: true, error: lost },
    { verdict: "passed", isFlaky: true },
    undefined,
  ]);
  expect(suites.attributes).toMatchObject({ tests: "7", failures: "1", errors: "1", skipped: "2" });
  expect(cases.map((one) => childNames(one).filter((name) => name !== "properties"))).toEqual([
    [],
    ["failure", "system-out"],
    [],
    ["error"],
    ["skipped"],
    ["system-out"],
    ["skipped"],
  ]);
  const failure = cases[1]?.children.find(({ name }) => name === "failure");
  expect(failure?.attributes).toEqual({ message: error.message, type: "StepTimeout" });
  expect(failure?.text).toBe(`${error.message}\n\nthe last words\n`);
  expect(cases[1]?.children.at(-1)?.text).toContain("the last words");
  expect(cases[3]?.children.find(({ name }) => name === "error")?.text).toBe(lost.message);
  expect(propertiesOf(cases[2])).toMatchObject({ verdict: "failed" });
  const reasons = [cases[4], cases[6]].map((one) => one?.children.find(({ name }) => name === "skipped")?.attributes);
  expect(reasons).toEqual([{ message: lost.message }, { message: "not finished yet" }]);
  expect(propertiesOf(cases[5])).toMatchObject({ flaky: "true" });
  expect(json.jobs.map(({ state }) => state)).toEqual([...new Array<string>(6).fill("finished"), "unfinished"]);
});

test("test cases of monitors are test cases, and those of a job that was meant to fail do not fail", async () => {
  const testCases = [
    { suite: "math", name: "adds", outcome: "passed", durationMs: 12 },
    { suite: "math", name: "divides", outcome: "failed", message: "by zero" },
    { suite: "math", name: "roots", outcome: "skipped", message: "later" },
  ] as const;
  const result = aResult({ testCases: [...testCases] });
  const { suites, cases } = await report([
    { verdict: "failed", isExpected: false, result },
    { verdict: "failed", isExpected: true, result },
  ]);
  expect(cases.map(({ attributes }) => attributes.name)).toEqual([
    "job 0",
    "adds",
    "divides",
    "roots",
    "job 1",
    "adds",
    "divides",
    "roots",
  ]);
  expect(cases[1]?.attributes).toMatchObject({ classname: "nightly.job 0.math", time: "0.012" });
  expect(cases[2]?.children.at(-1)).toMatchObject({ attributes: { message: "by zero" }, text: "by zero" });
  expect(cases[3]?.children.at(-1)?.attributes).toEqual({ message: "later" });
  expect(suites.attributes).toMatchObject({ failures: "2", skipped: "2" });
});

test("the report tells how long the tests took together", async () => {
  const result = (totalMs: number) => aResult({ timings: { totalMs } });
  const { suites } = await report([{ result: result(1_250) }, { result: result(500) }, undefined]);
  expect(suites.attributes.time).toBe("1.75");
  expect(suites.children.map(({ attributes }) => attributes.time)).toEqual(["1.75"]);
});

test("what XML forbids never gets into the report, wherever it comes from", async () => {
  const error = new FarmError("FailPatternMatched", { pattern: HOSTILE, uart: "uart0", match: HOSTILE }).toBody();
  const result = aResult({
    logs: [logOf(HOSTILE)],
    testCases: [{ suite: HOSTILE, name: HOSTILE, outcome: "failed", message: HOSTILE }],
    exit: { reason: "GuestCrashed", detail: HOSTILE },
  });
  const { text, cases } = await report([{ verdict: "failed", isExpected: false, error, result }], [HOSTILE]);
  expect(toXmlText(text)).toBe(text);
  expect(cases[0]?.attributes.name).toContain('red ]]> ]]> <tag attr="1"> &');
  expect(cases[0]?.children.at(-1)?.text).toContain("end");
});

test("a long log is told by its end", async () => {
  const long = `${"noise ".repeat(10_000)}the reason`;
  const { cases } = await report([{ verdict: "failed", isExpected: false, result: aResult({ logs: [logOf(long)] }) }]);
  const out = cases[0]?.children.find(({ name }) => name === "system-out")?.text ?? "";
  expect(out).toContain("the reason");
  expect(out.length).toBeLessThan(5_000);
});

test("any text becomes text that XML allows, and stays as it is where it was allowed", () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 });
  fc.assert(
    fc.property(units, (codes) => {
      const text = toXmlText(String.fromCharCode(...codes));
      expect(text.isWellFormed()).toBe(true);
      expect(toXmlText(text)).toBe(text);
      if (!text.includes("]]>"))
        expect(parseXml(`<a>${text.replace(/&/g, "&amp;").replace(/</g, "&lt;")}</a>`).text).toBe(text);
    }),
  );
  expect(toXmlText("plain, übel, 漢字, 😀\tand\nlines")).toBe("plain, übel, 漢字, 😀\tand\nlines");
});
