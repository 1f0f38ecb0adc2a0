import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { openLog } from "../../../src/api/http/log-source.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";

const RUN = "r000000000001";
const JOB = jobIdOf(RUN, 0);

/** A job whose second attempt wrote 100 bytes, of which 20 are kept; its first one wrote 60, all kept. */
function context(opened: unknown[]) {
  return {
    store: {
      readRun: async () => ({
        id: RUN,
        pool: "default",
        spec: { jobs: [{ board: "board" }] },
        boards: { board: { uarts: [{ name: "uart0" }] } },
      }),
      readVerdict: async () => ({
        jobId: JOB,
        attempt: 2,
        result: { logs: [{ uart: "uart0", bytes: 100, keptBytes: 20 }] },
      }),
      openLog: async ({ attempt }: { attempt: number }, offset: number) => {
        opened.push({ attempt, offset });
        return (async function* () {})();
      },
    },
    ledger: { progress: async () => undefined, watch: async () => undefined },
    queue: { placesOf: () => ({ findPlaces: async () => new Map() }) },
  } as unknown as Parameters<typeof openLog>[0];
}

test.each([
  [2, 50, 10],
  [2, 95, 15],
  [1, 50, 50],
])("attempt %i from byte %i is read from byte %i of what is stored", async (attempt, offset, stored) => {
  for (const follow of [false, true]) {
    const opened: unknown[] = [];
    const { signal } = new AbortController();
    await buffer(await openLog(context(opened), { jobId: JOB, uart: "uart0", follow, offset, attempt, signal }));
    expect(opened).toEqual([{ attempt, offset: stored }]);
  }
});
