import { expect, test } from "vitest";
import type { JobPlace } from "../../../src/api/queue/waiting-room.ts";
import { createJobRecords } from "../../../src/api/run/job-records.ts";
import { RunProgress } from "../../../src/api/run/run-progress.ts";
import type { StoredRun } from "../../../src/api/store/store.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";

const RUN = "r000000000001";
const JOBS = 2_500;
const PLACE: JobPlace = { agent: "unix:/agent", attempt: 1 };

/** A run of waiting jobs, of which Redis knows that some run. */
function setup(running: readonly number[], { position = 0, obstacles = [] as string[] } = {}) {
  const job = { board: "mps2-an385", firmware: { sha256: "0".repeat(64) } };
  const run = {
    id: RUN,
    tenant: "test",
    pool: "default",
    jobCount: JOBS,
    spec: { jobs: Array.from({ length: JOBS }, () => job) },
  } as unknown as StoredRun;
  const places = new Map(running.map((index) => [jobIdOf(RUN, index), PLACE]));
  const asked: number[] = [];
  const records = createJobRecords({
    store: { readRun: async () => run, readVerdict: async () => undefined },
    ledger: { progress: async () => new RunProgress(run, "order", false) },
    queue: {
      placesOf: () => ({
        async findPlaces(jobIds: readonly string[]) {
          asked.push(jobIds.length);
          return new Map(jobIds.flatMap((id) => (places.has(id) ? [[id, PLACE]] : [])));
        },
      }),
      waitingRoom: { position: async () => position },
    },
    obstacles: async () => obstacles,
  } as unknown as Parameters<typeof createJobRecords>[0]);
  return { records, asked };
}

test("the running jobs of a large run are found by few questions", async () => {
  const { records, asked } = setup([0, 1_700, 2_499]);
  const found = await records.list(RUN, { state: "running", limit: 100 });
  expect(found.map(({ index }) => index)).toEqual([0, 1_700, 2_499]);
  expect(found[1]).toMatchObject({ state: "running", attempt: 1, agentId: PLACE.agent });
  expect(asked).toEqual([1_000, 1_000, 500]);
});

test("a page of waiting jobs leaves out those that run, and begins after the one that is named", async () => {
  const { records, asked } = setup([11]);
  const found = await records.list(RUN, { state: "waiting", limit: 3, after: jobIdOf(RUN, 9) });
  expect(found.map(({ index }) => index)).toEqual([10, 12, 13]);
  expect(asked).toHaveLength(1);
});

test.for([
  [0, [], "next in line; waits for a free slot (instances hold slots, too: emufarm get instances)"],
  [0, ["pool warm: no node takes it"], /^next in line; .*; pool warm: no node takes it$/],
  [7, ["pool warm: no node takes it"], "7 before it; pool warm: no node takes it"],
] as const)("a waiting job, %s from the front, says what it waits for: %o", async ([position, obstacles, reason]) => {
  const { records } = setup([], { position, obstacles: [...obstacles] });
  const { waiting } = await records.read(jobIdOf(RUN, 0));
  expect(waiting).toEqual({ position, reason: typeof reason === "string" ? reason : expect.stringMatching(reason) });
});
