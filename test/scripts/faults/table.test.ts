import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FAULTS } from "../../../scripts/faults/rows.ts";
import { faultsPage } from "../../../scripts/faults/table.ts";
import { projectFolder } from "../../../scripts/setup/folders.mjs";

test("each fault is shown by tests that there are", () => {
  const files = FAULTS.flatMap(({ rows }) => rows).flatMap(({ tests }) => tests.map(({ file }) => file));
  expect(files.filter((file) => !existsSync(join(projectFolder, file)))).toEqual([]);
});

test("the page lists all faults, in their order", () => {
  const page = readFileSync(join(projectFolder, "docs/faults.md"), "utf8");
  const rows = page
    .slice(page.indexOf("\n## "))
    .split("\n")
    .filter((line) => /^\| (?!fault \|)/.test(line));
  const wanted = FAULTS.flatMap((table) => table.rows.map(({ fault }) => fault));
  expect(rows.map((row) => row.split(" | ", 1)[0]?.slice(2))).toEqual(wanted);
});

test("a row says how many of its tests passed, failed and were not run, how long they took and of which commit they are", () => {
  const shownBy = (name: RegExp) => ({ file: "test/a.cluster.test.ts", name });
  const row = (fault: string, ...names: RegExp[]) => ({ fault, asserted: "it holds", tests: names.map(shownBy) });
  const tables = [
    { title: "All", rows: [row("good", /one/), row("bad", /t/), row("renamed", /one/, /ten/), row("none")] },
  ];
  const results = {
    "test/a.cluster.test.ts": {
      commit: "0123456789",
      tests: [
        { name: "suite one", state: "passed" as const, seconds: 1.25 },
        { name: "suite two", state: "failed" as const, seconds: 2 },
        { name: "suite three", state: "skipped" as const, seconds: 0 },
      ],
    },
  };
  const lines = (page: string) => page.split("\n").filter((line) => /^\| (good|bad|renamed|none) /.test(line));
  const link = "[a](../test/a.cluster.test.ts)";
  expect(lines(faultsPage(tables, results))).toEqual([
    `| good | it holds | ${link} | 1 passed | 1.3 | 0123456789 |`,
    `| bad | it holds | ${link} | 1 passed, 1 failed, 1 skipped | 3.3 | 0123456789 |`,
    `| renamed | it holds | ${link} | 1 passed, 1 not run | 1.3 | 0123456789 |`,
    "| none | it holds |  | no test |  |  |",
  ]);
  expect(lines(faultsPage(tables, {}))[0]).toBe(`| good | it holds | ${link} | not run |  |  |`);
});
