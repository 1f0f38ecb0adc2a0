import type { Builder, TestCase as JUnitCase, TestSuite } from "junit-report-builder";
import { jobIdOf, parseJobId } from "../../core/policy/attempt-id.ts";
import type { JobSpec } from "../../core/schema/job.ts";
import type { TestCase } from "../../core/wire/attempt.ts";
import type { JobVerdict } from "../../core/wire/farm.ts";
import { jobNameOf } from "../run/job-name.ts";
import type { Store, StoredRun } from "../store/store.ts";
import { readLogTail } from "./log-tail.ts";
import { toXmlText } from "./xml-text.ts";

/**
 * The run as JUnit XML: a suite for each board, a test case for each job, and one for each test case that a monitor
 * found in its output.
 */
export async function writeJunitReport(store: Store, run: StoredRun): Promise<string> {
  // Loaded when the first report is asked for: it takes a tenth of a second.
  const loaded = await import("junit-report-builder");
  // Its types speak of `exports.default`; what it exports is the builder itself.
  const report = (loaded.default as unknown as Builder).newBuilder().name(toXmlText(run.name));
  const suites = new Map<string, TestSuite>();
  const suiteOf = (board: string): TestSuite => {
    const known = suites.get(board);
    if (known) return known;
    const suite = report
      .testSuite()
      .name(toXmlText(`${run.name} on ${board}`))
      .timestamp(run.createdAt);
    suites.set(board, suite);
    return suite;
  };

  const boardMs = new Map<string, number>();
  let next = 0;
  const addUnfinished = (until: number) => {
    for (; next < until; next += 1) {
      const spec = run.spec.jobs[next];
      if (!spec) continue;
      skip(newCase(suiteOf(spec.board), run, spec).property("job", jobIdOf(run.id, next)), "not finished yet");
    }
  };
  for await (const verdict of store.listVerdicts(run.id)) {
    const { index } = parseJobId(verdict.jobId);
    addUnfinished(index);
    next = index + 1;
    const spec = run.spec.jobs[index];
    if (!spec) continue;
    boardMs.set(spec.board, (boardMs.get(spec.board) ?? 0) + (verdict.result?.timings.totalMs ?? 0));
    await addJob({ store, run, spec, verdict }, suiteOf(spec.board));
  }
  addUnfinished(run.jobCount);
  let totalMs = 0;
  for (const [board, suite] of suites) {
    const ms = boardMs.get(board) ?? 0;
    // Of the jobs alone: the test cases that were found in them ran meanwhile.
    suite.time(seconds(ms));
    totalMs += ms;
  }
  const [anySuite] = suites.values();
  if (anySuite) whenBuilt(anySuite, (_suite, root) => root.att("time", seconds(totalMs)));
  return report.build();
}

type Xml = ReturnType<JUnitCase["build"]>;

interface ReportedJob {
  readonly store: Store;
  readonly run: StoredRun;
  readonly spec: JobSpec;
  readonly verdict: JobVerdict;
}

async function addJob(job: ReportedJob, suite: TestSuite): Promise<void> {
  const { run, spec, verdict } = job;
  const testCase = newCase(suite, run, spec).time(seconds(verdict.result?.timings.totalMs ?? 0));
  const properties: Record<string, string> = {
    job: verdict.jobId,
    board: spec.board,
    firmware: spec.firmware.sha256,
    verdict: verdict.verdict,
    ...(spec.expect && { expected: spec.expect.verdict }),
    ...(verdict.isFlaky && { flaky: "true" }),
    ...(verdict.attempts.length > 0 && { attempts: String(verdict.attempts.length + 1) }),
    ...(verdict.result?.exit && { exit: verdict.result.exit.reason }),
    ...(verdict.error && { error: verdict.error.code }),
    ...prefixed(spec.labels),
  };
  for (const [name, value] of Object.entries(properties)) testCase.property(toXmlText(name), toXmlText(value));
  const tail = verdict.isExpected && verdict.verdict === "passed" ? "" : await readLogTail(job.store, verdict);
  conclude(testCase, verdict, tail);
  const notes = [verdict.isFlaky ? "[flaky: passed after a failed attempt]\n" : "", tail].join("");
  if (notes !== "") addText(testCase, "system-out", notes);
  if (verdict.result?.exit?.detail) addText(testCase, "system-err", verdict.result.exit.detail);
  for (const found of verdict.result?.testCases ?? []) addFoundCase(suite, job, found);
}

/** What a CI shows: a failure as it was meant passes. Some show nothing but the text inside, so that it has all. */
function conclude(testCase: JUnitCase, verdict: JobVerdict, tail: string): void {
  const message = toXmlText(verdict.error?.message ?? `ended as ${verdict.verdict}`);
  const code = verdict.error?.code ?? verdict.verdict;
  const text = tail === "" ? message : `${message}\n\n${tail}`;
  if (verdict.isSkipped) skip(testCase, message);
  else if (verdict.isExpected) return;
  else if (verdict.verdict === "errored" || verdict.verdict === "cancelled") {
    addText(testCase.error(message, code), "error", text);
  } else {
    addText(testCase.failure(message, code), "failure", text);
  }
}

function addFoundCase(suite: TestSuite, { run, spec, verdict }: ReportedJob, found: TestCase): void {
  const testCase = suite
    .testCase()
    .className(toXmlText(`${run.name}.${jobNameOf(spec)}.${found.suite}`))
    .name(toXmlText(found.name))
    .property("job", verdict.jobId);
  if (found.durationMs !== undefined) testCase.time(seconds(found.durationMs));
  if (found.file !== undefined) testCase.file(toXmlText(found.file));
  if (found.outcome === "skipped") skip(testCase, toXmlText(found.message ?? "skipped"));
  // A failed test case of a job that was meant to fail is as it was meant to be.
  if (found.outcome === "failed" && verdict.isExpected) testCase.property("expected", "failed");
  else if (found.outcome === "failed") {
    const message = toXmlText(found.message ?? "failed");
    addText(testCase.failure(message, "TestCasesFailed"), "failure", message);
  }
}

/** The library writes no reason of its own. */
function skip(testCase: JUnitCase, message: string): void {
  whenBuilt(testCase.skipped(), (element) => childOf(element, "skipped")?.att("message", message));
}

/** Text inside an element of a test case. The library's own way breaks at the second `]]>` of a log. */
function addText(testCase: JUnitCase, name: string, text: string): void {
  whenBuilt(testCase, (element) => (childOf(element, name) ?? element.ele(name)).txt(toXmlText(text)));
}

function childOf(element: Xml, name: string): Xml | undefined {
  return element.children.find((child): child is Xml => "name" in child && child.name === name);
}

/** For what the library has no words for. */
function whenBuilt(node: JUnitCase | TestSuite, then: (element: Xml, parent: Xml) => void): void {
  const build = node.build.bind(node);
  node.build = (parent: Xml) => {
    const element = build(parent);
    then(element, parent);
    return element;
  };
}

function seconds(ms: number): number {
  return Math.round(ms) / 1_000;
}

function newCase(suite: TestSuite, run: StoredRun, spec: JobSpec): JUnitCase {
  return suite
    .testCase()
    .className(toXmlText(`${run.name}.${spec.board}`))
    .name(toXmlText(jobNameOf(spec)));
}

function prefixed(labels: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [`label.${name}`, value]));
}
