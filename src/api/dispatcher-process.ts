import { createMetrics } from "../http/process-metrics.ts";
import { createHttpServer } from "../http/server.ts";
import type { Log } from "../log/log.ts";
import { openAgents, openCluster } from "./agents/open-agents.ts";
import { createBoardAvailability } from "./board/board-availability.ts";
import type { ApiConfig } from "./config.ts";
import { startDispatcher } from "./dispatch/dispatcher.ts";
import { BLOB_URL_LIFE_MS, createBlobUrlSource, createBlobUrls, loadBlobKey } from "./firmware/blob-urls.ts";
import { openFarmQueue } from "./queue/farm-queue.ts";
import { DEFAULT_POOL } from "./run/run-submission.ts";
import { openStore } from "./store/open-store.ts";

export interface DispatcherProcess extends AsyncDisposable {
  /** Rejects with a failure that only a new process can heal. */
  readonly ended: Promise<void>;
}

/** The dispatcher until it is disposed of; it listens for health and metrics only. */
export async function runDispatcher(config: ApiConfig, log: Log): Promise<DispatcherProcess> {
  await using starting = new AsyncDisposableStack();
  const store = starting.use(await openStore(config, log));
  const queue = starting.use(await openFarmQueue({ address: config.redis, password: config.redisPassword, log }));
  const metrics = createMetrics();
  const cluster = await openCluster(config, metrics, starting);
  const directory = starting.use(await openAgents(config, cluster, log));
  const blobs = createBlobUrls({ key: await loadBlobKey(config.dataFolder), publicUrl: () => config.publicUrl });
  const dispatcher = starting.use(
    startDispatcher({
      pool: DEFAULT_POOL,
      store,
      queue: queue.forDispatcher(DEFAULT_POOL),
      directory,
      boards: createBoardAvailability(directory, log),
      blobUrl: createBlobUrlSource(blobs, BLOB_URL_LIFE_MS, Date.now),
      log,
      metrics,
    }),
  );
  const server = starting.use(await createHttpServer({ log, metrics, trust: config }));
  const address = await server.listen(config.listen);
  log.info({ address }, "the dispatcher is up");
  const resources = starting.move();
  return { ended: dispatcher.ended, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
