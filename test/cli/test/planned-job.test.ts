import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planJobs, shardOf } from "../../../src/cli/test/planned-job.ts";
import { type RunFileInput, runFile } from "../../../src/core/schema/run.ts";

function planOf(spec: RunFileInput["spec"]) {
  return planJobs(runFile.parse({ apiVersion: "emufarm.dev/v1alpha1", kind: "Run", metadata: { name: "r" }, spec }));
}

describe("a run file's jobs", () => {
  it("are every combination of a matrix, boards first", () => {
    const jobs = planOf({
      matrix: [{ boards: ["a", "b"], firmware: ["x.elf", "y.elf"], scenarios: ["s.yaml", "t.yaml"] }],
    });
    expect(jobs.map(({ board, name }) => `${board}: ${name}`)).toEqual([
      "a: x s",
      "a: x t",
      "a: y s",
      "a: y t",
      "b: x s",
      "b: x t",
      "b: y s",
      "b: y t",
    ]);
  });

  it("have their board's name in every path", () => {
    const [job] = planOf({
      matrix: [
        {
          boards: ["uno"],
          firmware: [{ path: "{board}/k", initrd: "{board}.img", dtb: "{board}.dtb", append: "{board}" }],
          scenarios: ["{board}.scenario.yaml"],
        },
      ],
    });
    expect(job?.firmware).toEqual({ path: "uno/k", initrd: "uno.img", dtb: "uno.dtb", append: "{board}" });
    expect(job?.scenario).toBe("uno.scenario.yaml");
  });

  it("carry the options of their entry, defaults filled in", () => {
    const [job] = planOf({ jobs: [{ board: "a", firmware: "x", timeout: "2s", expect: { verdict: "failed" } }] });
    expect(job?.options).toMatchObject({ timeout: "2s", expect: { verdict: "failed" }, onReset: "continue" });
  });

  it("are named for their entry where it has a name", () => {
    const names = planOf({
      matrix: [{ name: "smoke", boards: ["a"], firmware: ["x.elf"] }],
      jobs: [{ name: "crash", board: "a", firmware: "x.elf" }],
    }).map((job) => job.name);
    expect(names).toEqual(["smoke", "crash"]);
  });

  it("come again as often as asked, told apart by a number", () => {
    const jobs = planOf({ repeat: 3, jobs: [{ board: "a", firmware: "x.elf" }] });
    expect(jobs.map((job) => job.name)).toEqual(["x #1", "x #2", "x #3"]);
    expect(jobs.map((job) => job.ownName)).toEqual(["x", "x", "x"]);
  });
});

describe("the shards of a run", () => {
  it("have each job just once, and differ by one job at most", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 20 }), (length, count) => {
        const jobs = Array.from({ length }, (_, index) => index);
        const shards = Array.from({ length: count }, (_, index) => shardOf(jobs, { index: index + 1, count }));
        const sizes = shards.map((shard) => shard.length);
        expect(shards.flat().sort((a, b) => a - b)).toEqual(jobs);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
