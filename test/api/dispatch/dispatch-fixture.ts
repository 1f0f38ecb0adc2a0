import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { fixedAgents } from "../../../src/api/agents/agent-directory.ts";
import { type Dispatcher, startDispatcher } from "../../../src/api/dispatch/dispatcher.ts";
import type { DispatcherOptions } from "../../../src/api/dispatch/dispatcher-options.ts";
import { type FarmQueue, openFarmQueue } from "../../../src/api/queue/farm-queue.ts";
import type { FarmSignal } from "../../../src/api/queue/waiting-room.ts";
import { FolderStore } from "../../../src/api/store/folder-store.ts";
import type { StoredRun } from "../../../src/api/store/store.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { type JobSpecInput, jobSpec } from "../../../src/core/schema/job.ts";
import type { JobVerdict } from "../../../src/core/wire/farm.ts";
import { createLog } from "../../../src/log/log.ts";
import { aBoard } from "../../gen/board.ts";
import { aRun } from "../../gen/run.ts";
import { type RedisFixture, startRedis } from "../queue/redis-fixture.ts";
import type { FakeAgent } from "./fake-agent.ts";

export interface DispatchFixture extends AsyncDisposable {
  readonly redis: RedisFixture;
  readonly store: FolderStore;
  /** As the API has it. */
  readonly queue: FarmQueue;
  readonly signals: FarmSignal[];
  startDispatcher(agents: readonly FakeAgent[], options?: Partial<DispatcherOptions>): Promise<Dispatcher>;
  submit(
    jobs: number,
    options?: Partial<JobSpecInput> & { tenant?: string; isStoredOnly?: boolean },
  ): Promise<StoredRun>;
  /** Settles when every job of the run has its verdict. */
  verdictsOf(run: StoredRun): Promise<JobVerdict[]>;
}

export async function createDispatchFixture(): Promise<DispatchFixture> {
  const folder = await mkdtemp(join(tmpdir(), "emu-dispatch-"));
  const redis = await startRedis();
  const store = await FolderStore.open({ folder, onFault: () => {} });
  const log = createLog({ name: "test", level: (process.env.TEST_LOG as "debug") ?? "silent" });
  const queue = await openFarmQueue({ address: redis.address, log, patienceMs: 1_000 });
  const signals: FarmSignal[] = [];
  const changed = new Set<() => void>();
  await queue.signals.subscribe((signal) => {
    signals.push(signal);
    for (const tell of changed) tell();
  });
  const opened: AsyncDisposable[] = [];

  return {
    redis,
    store,
    queue,
    signals,
    async startDispatcher(agents, options = {}) {
      const own = await openFarmQueue({ address: redis.address, log });
      const dispatcher = startDispatcher({
        pool: "default",
        store,
        queue: own.forDispatcher("default"),
        directory: fixedAgents(agents.map((agent) => agent.client)),
        boards: { check: async () => ({ isAvailable: undefined }) },
        blobUrl: (sha256) => `http://localhost/v1/blobs/${sha256}`,
        log,
        metrics: new Registry(),
        ...options,
        timings: { lossMs: 1_000, resyncMs: 60_000, leaseMs: 2_000, ...options.timings },
      });
      const running = {
        get isActive() {
          return dispatcher.isActive;
        },
        ended: dispatcher.ended,
        async [Symbol.asyncDispose]() {
          await dispatcher[Symbol.asyncDispose]();
          await own[Symbol.asyncDispose]();
        },
      };
      opened.push(running);
      return running;
    },
    async submit(jobs, { tenant = "tester", isStoredOnly = false, ...options } = {}) {
      const spec = jobSpec.parse({ board: "a-board", firmware: { sha256: "0".repeat(64) }, ...options });
      const run = aRun({
        tenant,
        jobCount: jobs,
        spec: { jobs: Array.from({ length: jobs }, () => spec) },
        boards: { "a-board": aBoard() },
      });
      await store.createRun(run);
      if (isStoredOnly) return run;
      const waiting = run.spec.jobs.map(({ priority }, index) => ({ jobId: jobIdOf(run.id, index), tenant, priority }));
      await queue.waitingRoom.submit("default", waiting);
      return run;
    },
    async verdictsOf(run) {
      for (;;) {
        const { promise, resolve } = Promise.withResolvers<void>();
        changed.add(resolve);
        const finished = await store.listFinishedJobs(run.id);
        if (finished.size >= run.jobCount) break;
        // A signal may be lost with Redis: the store is looked at again before long.
        const timer = setTimeout(resolve, 250);
        await promise;
        clearTimeout(timer);
        changed.delete(resolve);
      }
      return await Array.fromAsync(store.listVerdicts(run.id));
    },
    async [Symbol.asyncDispose]() {
      for (const one of opened) await one[Symbol.asyncDispose]();
      await queue[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
