import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFailed, test, vi } from "vitest";
import { PATIENCE } from "../patience.ts";
import { FarmFixture, PARTS } from "./farm-fixture.ts";

const JOBS = 60;
const IMAGE = join(import.meta.dirname, "../../examples/images/mps2-an385/hello.elf");
const PRELOAD = join(import.meta.dirname, "steppable-clock.ts");
const HOUR_MS = 3_600_000;

test("the wall clock steps an hour forward and two back in the middle of a run: one verdict a job, sane durations", async () => {
  await using farm = await FarmFixture.start({ NODE_OPTIONS: `--import=${PRELOAD}` });
  onTestFailed(() => console.error(farm.said.slice(-20_000)));
  const step = async (redisClock: () => Promise<unknown>) => {
    const before = farm.said.split("the clock is off").length;
    for (const part of PARTS) farm.signalPart(part, "SIGUSR2");
    await redisClock();
    await vi.waitFor(() => expect(farm.said.split("the clock is off").length).toBe(before + PARTS.length), PATIENCE);
  };
  const run = await farm.submit(await readFile(IMAGE), JOBS);
  const [forward, back] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const following = farm.follow(run.id, (count) => {
    if (count === 10) forward.resolve();
    if (count === 30) back.resolve();
  });
  // Redis' own clock cannot be set for it alone; what it does to a key that runs out, can.
  const lease = "emufarm:{default}:dispatcher";
  await forward.promise;
  await step(() => farm.redis.command("DEL", lease));
  await back.promise;
  await step(() => farm.redis.command("PEXPIRE", lease, String(HOUR_MS)));
  const verdicts = await following;
  expect(new Set(verdicts.map(({ jobId }) => jobId)).size).toBe(JOBS);
  expect(verdicts.length).toBe(JOBS);
  expect(verdicts.filter(({ verdict, attempt }) => verdict !== "passed" || attempt !== 1)).toEqual([]);
  for (const { result } of verdicts) {
    expect(result?.timings.totalMs).toBeGreaterThan(0);
    expect(result?.timings.totalMs).toBeLessThan(HOUR_MS / 2);
  }
  expect(await farm.client.run(run.id)).toMatchObject({ outcome: "passed", totals: { verdicts: { passed: JOBS } } });
  await vi.waitFor(async () => expect(await farm.emulators()).toEqual([]), { timeout: 10_000 });
  // What is submitted now is older than what was there before; it runs all the same.
  const later = await farm.submit(await readFile(IMAGE), 3);
  expect((await farm.follow(later.id)).map(({ verdict }) => verdict)).toEqual(["passed", "passed", "passed"]);
});
