import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogFile } from "../../../src/cli/up/log-file.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Eight lines of it are more than a log file keeps. */
const MEGABYTE = "x".repeat(1024 * 1024);

function fill(log: LogFile): void {
  for (let count = 0; count < 8; count += 1) log.write(MEGABYTE);
}

test("a log does not grow for ever: what was before lies beside it", () => {
  using log = new LogFile(join(folder, "one.log"));
  fill(log);
  log.write("a new file");
  expect(readFileSync(log.path, "utf8")).toBe("a new file\n");
  expect(statSync(`${log.path}.1`).size).toBe(8 * (MEGABYTE.length + 1));
});

test("a disk that gives no new file ends nothing, and the log goes on when it does", () => {
  using log = new LogFile(join(folder, "one.log"));
  fill(log);
  mkdirSync(`${log.path}.new`);
  log.write("lost");
  expect(log.lastLines.at(-1)).toBe("lost");
  rmdirSync(`${log.path}.new`);
  log.write("later");
  expect(readFileSync(log.path, "utf8")).toBe("later\n");
});

test("what comes after the end goes nowhere", () => {
  const log = new LogFile(join(folder, "one.log"));
  log.write("before");
  log[Symbol.dispose]();
  using other = new LogFile(join(folder, "other.log"));
  log.write("after");
  log[Symbol.dispose]();
  other.write("mine");
  expect(readFileSync(log.path, "utf8")).toBe("before\n");
  expect(readFileSync(other.path, "utf8")).toBe("mine\n");
});
