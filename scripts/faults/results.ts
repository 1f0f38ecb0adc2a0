import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";

/** What became of a test. */
export interface TestResult {
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
  readonly seconds: number;
}

/** The last run of each file of tests, and of which commit. */
export type FaultResults = Readonly<Record<string, { readonly commit: string; readonly tests: readonly TestResult[] }>>;

/** What vitest's reporter `json` writes. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly duration?: number;
    }[];
  }[];
}

/** @param project folder that names of files are told from */
export function readReport(file: string, project: string, commit: string): FaultResults {
  const { testResults } = JSON.parse(readFileSync(file, "utf8")) as Report;
  return Object.fromEntries(
    testResults.map(({ name, assertionResults }) => {
      const tests = assertionResults.map(({ fullName, status, duration = 0 }): TestResult => {
        const state = status === "passed" || status === "failed" ? status : "skipped";
        return { name: fullName.trim(), state, seconds: duration / 1_000 };
      });
      return [relative(project, name), { commit, tests }];
    }),
  );
}

/** What earlier runs have left, where there were any. */
export function readResults(file: string): FaultResults {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as FaultResults) : {};
}

export function writeResults(file: string, results: FaultResults): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(results, undefined, 1));
}
