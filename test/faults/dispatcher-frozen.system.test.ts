import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFailed, test, vi } from "vitest";
import { FarmFixture } from "./farm-fixture.ts";

const JOBS = 60;
const IMAGE = join(import.meta.dirname, "../../examples/images/mps2-an385/hello.elf");

test.for([
  { title: "with another one that takes over", hasSecond: true },
  { title: "with nobody beside it", hasSecond: false },
])(
  "a dispatcher that freezes in the middle of a run and thaws later, $title: one verdict a job",
  async ({ hasSecond }) => {
    await using farm = await FarmFixture.start();
    onTestFailed(() => console.error(farm.said.slice(-20_000)));
    const terms = () => farm.said.match(/"msg":"dispatching"/g)?.length ?? 0;
    await vi.waitFor(() => expect(terms()).toBe(1), { timeout: 30_000 });
    await using _second = hasSecond ? await farm.startSecondDispatcher() : undefined;
    const run = await farm.submit(await readFile(IMAGE), JOBS);
    const underWay = Promise.withResolvers<void>();
    const verdicts: string[] = [];
    const following = farm.follow(run.id, (count) => {
      if (count === 15) underWay.resolve();
    });
    await underWay.promise;
    farm.signalPart("dispatcher", "SIGSTOP");
    // Whoever takes over waits until the lease has not been renewed for its whole life.
    if (hasSecond) await vi.waitFor(() => expect(terms()).toBe(2), { timeout: 60_000 });
    else await vi.waitFor(async () => expect(await farm.emulators()).toEqual([]), { timeout: 60_000 });
    farm.signalPart("dispatcher", "SIGCONT");
    for (const { jobId, verdict } of await following) verdicts.push(`${jobId} ${verdict}`);
    expect(verdicts.length).toBe(JOBS);
    expect(new Set(verdicts).size).toBe(JOBS);
    expect(verdicts.filter((text) => !text.endsWith(" passed"))).toEqual([]);
    expect(await farm.client.run(run.id)).toMatchObject({ outcome: "passed", totals: { verdicts: { passed: JOBS } } });
    await vi.waitFor(async () => expect(await farm.emulators()).toEqual([]), { timeout: 30_000 });
  },
);
