import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFailed, test, vi } from "vitest";
import { FarmFixture, PARTS } from "./farm-fixture.ts";

const JOBS = 200;
const IMAGE = join(import.meta.dirname, "../../examples/images/mps2-an385/hello.elf");

let farm: FarmFixture;
beforeEach(async () => {
  farm = await FarmFixture.start();
  onTestFailed(() => console.error(farm.said.slice(-20_000)));
});
afterEach(async () => {
  await farm[Symbol.asyncDispose]();
});

/** What happens in the middle of a run of 200 jobs. */
const FAULTS: readonly { name: string; strike: () => Promise<void> }[] = [
  { name: "the API is killed", strike: () => farm.restartPart("api") },
  { name: "the dispatcher is killed", strike: () => farm.restartPart("dispatcher") },
  { name: "an agent is killed", strike: () => farm.restartPart("agent0") },
  {
    name: "Redis is killed and started again",
    async strike() {
      await farm.redis.kill();
      await farm.redis.start();
    },
  },
  {
    name: "Redis is emptied",
    async strike() {
      await farm.redis.command("FLUSHALL");
    },
  },
  {
    name: "everything is killed at once",
    async strike() {
      await Promise.all([...PARTS.map((part) => farm.killPart(part)), farm.redis.kill()]);
      await farm.redis.start();
      await Promise.all(PARTS.map((part) => farm.startPart(part)));
    },
  },
];

describe("in the middle of a run of 200 jobs", () => {
  test.for(FAULTS)("$name: each job has exactly one verdict, and no emulator is left", async ({ strike }) => {
    const run = await farm.submit(await readFile(IMAGE), JOBS);
    const { promise: isUnderWay, resolve } = Promise.withResolvers<void>();
    const following = farm.follow(run.id, (count) => {
      if (count === 40) resolve();
    });
    await Promise.race([isUnderWay, following]);
    await strike();
    const verdicts = await following;
    expect(verdicts.length).toBe(JOBS);
    expect(new Set(verdicts.map((verdict) => verdict.jobId)).size).toBe(JOBS);
    expect(verdicts.filter((verdict) => verdict.verdict !== "passed")).toEqual([]);
    const { totals, outcome } = await farm.client.run(run.id);
    expect({ outcome, passed: totals.verdicts.passed }).toEqual({ outcome: "passed", passed: JOBS });
    await vi.waitFor(async () => expect(await farm.emulators()).toEqual([]), { timeout: 10_000 });
  });
});
