import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runFile } from "../../src/core/schema/run.ts";
import { scenario } from "../../src/core/schema/scenario.ts";
import { readBoards } from "./manifests.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
/** What Debian 12 has: the examples run there without anything added. */
const STOCK_QEMU = [7, 2] as const;

interface ExampleJob {
  board: string;
  image: string;
  scenario: string | undefined;
  isMeantToFail: boolean;
}

const files = readdirSync(EXAMPLES).filter((name) => name.endsWith(".run.yaml"));
const jobs = files.flatMap((name) => jobsOf(join(EXAMPLES, name)));
const boards = new Map(readBoards().map((board) => [board.metadata.name, board]));

describe("the examples", () => {
  it("are at least 40 jobs over at least 10 boards, some of them meant to fail", () => {
    expect(jobs.length).toBeGreaterThanOrEqual(40);
    expect(new Set(jobs.map((job) => job.board)).size).toBeGreaterThanOrEqual(10);
    expect(jobs.filter((job) => job.isMeantToFail).length).toBeGreaterThanOrEqual(5);
  });

  it.each([...new Set(jobs.map((job) => job.board))])("run on %s, which Debian 12's QEMU has", (name) => {
    const board = boards.get(name);
    expect(board, `no board is called ${name}`).toBeDefined();
    const [major = 0, minor = 0] = (board?.spec.emulator.minVersion ?? "").split(".").map(Number);
    expect(major * 100 + minor).toBeLessThanOrEqual(STOCK_QEMU[0] * 100 + STOCK_QEMU[1]);
  });

  it("name images that lie in the repository", () => {
    expect(jobs.map((job) => job.image).filter((image) => !existsSync(image))).toEqual([]);
  });

  it.each(scenarioFiles())("have a scenario %s that the farm reads", (file) => {
    expect(() => scenario.parse(parse(readFileSync(file, "utf8")))).not.toThrow();
  });
});

function scenarioFiles(): string[] {
  return [...new Set(jobs.flatMap((job) => job.scenario ?? []))];
}

function jobsOf(file: string): ExampleJob[] {
  const { spec } = runFile.parse(parse(readFileSync(file, "utf8")));
  const pathOf = (firmware: string | { path: string }) => (typeof firmware === "string" ? firmware : firmware.path);
  const job = (board: string, firmware: string | { path: string }, at: unknown, verdict = "passed"): ExampleJob => ({
    board,
    image: join(dirname(file), pathOf(firmware).replaceAll("{board}", board)),
    scenario: typeof at === "string" ? join(dirname(file), at) : undefined,
    isMeantToFail: verdict !== "passed",
  });
  const fromMatrix = spec.matrix.flatMap((one) =>
    one.boards.flatMap((board) =>
      one.firmware.flatMap((firmware) =>
        (one.scenarios.length > 0 ? one.scenarios : [undefined]).map((at) =>
          job(board, firmware, at, one.expect?.verdict),
        ),
      ),
    ),
  );
  return [...fromMatrix, ...spec.jobs.map((one) => job(one.board, one.firmware, one.scenario, one.expect?.verdict))];
}
