import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { feedRun } from "../../../src/api/http/run-feed.ts";
import type { FarmSignal, JobPlace } from "../../../src/api/queue/waiting-room.ts";
import { RunLedger } from "../../../src/api/run/run-ledger.ts";
import { FolderStore } from "../../../src/api/store/folder-store.ts";
import { RunState } from "../../../src/cli/test/run-state.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import type { RunEvent } from "../../../src/core/wire/farm.ts";
import { createLog } from "../../../src/log/log.ts";
import { aRun, aVerdict } from "../../gen/run.ts";
import { createTemporaryFolder } from "../store/temporary-folder.ts";

/** The feed of a stored run, and the dispatcher's signals, given by the test. */
async function openFeed(jobCount: number) {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await createTemporaryFolder());
  const onFault = (error: unknown) => {
    throw error;
  };
  const store = opening.use(await FolderStore.open({ folder: join(folder.path, "store"), onFault }));
  let tell: (signal: FarmSignal) => void = () => {};
  const ledger = opening.use(
    await RunLedger.open({
      store,
      queue: {
        placesOf: () => ({ findPlaces: async () => new Map<string, JobPlace>() }),
        signals: {
          publish: async () => {},
          async subscribe(listener) {
            tell = listener;
            return async () => {};
          },
        },
      },
      log: createLog({ name: "test", level: "silent" }),
    }),
  );
  const { run } = await store.createRun(aRun({ jobCount }));
  const { signal } = new AbortController();
  const feed = feedRun({ store, ledger, runId: run.id, lastEventId: undefined, signal, isFarmStopping: () => false });
  const resources = opening.move();
  return {
    run,
    begin: (index: number) => tell({ type: "jobRunning", jobId: jobIdOf(run.id, index), attempt: 1, agent: "agent" }),
    async finish(index: number) {
      const verdict = aVerdict(jobIdOf(run.id, index));
      await store.createVerdict(verdict);
      await ledger.noteVerdict(verdict);
    },
    /** What the feed gives next; none after its end. */
    async next(): Promise<RunEvent[]> {
      const { value } = await feed.next();
      return [...(value ?? "").matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? "") as RunEvent);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function wordsOf(events: readonly RunEvent[]): string[] {
  return events.map((event) => ("jobId" in event ? `${event.type} ${Number(event.jobId.slice(-6))}` : event.type));
}

describe("the feed of a run", () => {
  it("tells a job's start before its end, however soon the one follows the other", async () => {
    await using feed = await openFeed(2);
    expect(wordsOf(await feed.next())).toEqual(["run"]);
    for (const index of [0, 1]) {
      feed.begin(index);
      await feed.finish(index);
    }
    const told = await feed.next();
    expect(wordsOf(told)).toEqual(["jobRunning 0", "jobRunning 1", "jobFinished 0", "jobFinished 1"]);
    const [end] = await feed.next();
    expect(end).toMatchObject({ type: "end", run: { totals: { running: 0, waiting: 0, verdicts: { passed: 2 } } } });
    expect(await feed.next()).toEqual([]);
  });

  it("ends with every job counted, also where a job begins and ends while the caller reads", async () => {
    await using feed = await openFeed(130);
    const state = new RunState(
      feed.run.id,
      Array.from({ length: 130 }, (_, index) => ({ name: `job ${index}`, board: "test-board" })),
    );
    for (let events = await feed.next(), index = 0; events.length > 0; events = await feed.next()) {
      // Two for each that is read, and those behind the caller's back: a slow reader.
      for (const event of events) {
        state.apply(event, 0);
        for (const last = Math.min(index + 2, 130); index < last; index += 1) {
          feed.begin(index);
          await feed.finish(index);
        }
      }
    }
    expect([state.count("running"), state.count("waiting"), state.count("passed")]).toEqual([0, 0, 130]);
  });
});
