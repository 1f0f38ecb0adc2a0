import type { FaultResults, TestResult } from "./results.ts";
import { type FaultRow, type FaultTable, type ShownBy, WORDS } from "./rows.ts";

const INTRODUCTION = `# Faults

What happens to a farm on Kubernetes, what it is held to, and whether it was when that was tried last, on [a real cluster](cluster.md)
where nodes are named and on an API server with agents as processes elsewhere. \`npm run test:faults\` runs all of it, as root, in
about an hour, and writes this page; \`npm run test:faults -- FILE...\` runs some files, and keeps what is known of the others.
The shorter ones are part of \`npm test\` as well. Seconds are those of the tests, without the set-up of their files.
`;

/** The page `docs/faults.md`. */
export function faultsPage(tables: readonly FaultTable[], results: FaultResults): string {
  const parts = tables.map(({ title, rows }) => {
    const lines = rows.map((row) => `| ${cellsOf(row, results).join(" | ")} |`);
    const head = "| fault | what is asserted | tests | result | s | commit |\n|---|---|---|---|---|---|";
    return `## ${title}\n\n${head}\n${lines.join("\n")}\n`;
  });
  const words = Object.entries(WORDS).map(([word, meaning]) => `| ${word} | ${meaning} |`);
  return [INTRODUCTION, `| asserted | |\n|---|---|\n${words.join("\n")}\n`, ...parts].join("\n");
}

function cellsOf(row: FaultRow, results: FaultResults): string[] {
  const found = row.tests.flatMap((shown) => testsOf(shown, results));
  const files = [...new Set(row.tests.map(({ file }) => file))];
  const commits = [...new Set(files.flatMap((file) => results[file]?.commit ?? []))];
  const seconds = found.reduce((sum, { test }) => sum + test.seconds, 0);
  const isAnyRun = found.some(({ test }) => test.state !== "skipped");
  return [
    row.fault,
    row.asserted,
    files.map((file) => `[${shortName(file)}](../${file})`).join(", "),
    resultOf(row, found),
    isAnyRun ? seconds.toFixed(1) : "",
    isAnyRun ? commits.join(", ") : "",
  ];
}

interface FoundTest {
  readonly shown: ShownBy;
  readonly test: TestResult;
}

function testsOf(shown: ShownBy, results: FaultResults): FoundTest[] {
  const tests = results[shown.file]?.tests.filter(({ name }) => shown.name.test(name)) ?? [];
  return tests.map((test) => ({ shown, test }));
}

/** A pattern that fits no test is told: a test that was renamed must not be missed. */
function resultOf({ tests }: FaultRow, found: readonly FoundTest[]): string {
  if (tests.length === 0) return "no test";
  const count = (state: TestResult["state"]) => found.filter(({ test }) => test.state === state).length;
  const missing = tests.filter((shown) => !found.some((one) => one.shown === shown)).length;
  const words = [
    ...(["passed", "failed", "skipped"] as const).flatMap((state) =>
      count(state) > 0 ? [`${count(state)} ${state}`] : [],
    ),
    ...(missing > 0 ? [missing === tests.length ? "not run" : `${missing} not run`] : []),
  ];
  return words.join(", ");
}

function shortName(file: string): string {
  return (file.split("/").at(-1) ?? file).replace(/(\.cluster|\.system)?\.test\.ts$/, "");
}
