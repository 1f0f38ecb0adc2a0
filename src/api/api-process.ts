import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import packageFile from "../../package.json" with { type: "json" };
import { type ListenAddress, urlOf } from "../http/listen-address.ts";
import { createMetrics } from "../http/process-metrics.ts";
import type { Log } from "../log/log.ts";
import type { GrantAgentAccess } from "./agents/agent-access.ts";
import type { ClusterSide } from "./agents/cluster-side.ts";
import { openAgents, openCluster } from "./agents/open-agents.ts";
import { createBoardAvailability } from "./board/board-availability.ts";
import { createBoardFiles } from "./board/board-files.ts";
import { loadBoards } from "./board/board-registry.ts";
import type { ApiConfig } from "./config.ts";
import { createAddressRules } from "./firmware/address-rules.ts";
import { BLOB_URL_LIFE_MS, createBlobUrlSource, createBlobUrls, loadBlobKey } from "./firmware/blob-urls.ts";
import { createFirmwareImport } from "./firmware/firmware-import.ts";
import { createFirmwareImporter } from "./firmware/firmware-importer.ts";
import { createFirmwareImages } from "./firmware/image-source.ts";
import { createWebSource } from "./firmware/web-source.ts";
import { createApiServer } from "./http/api-server.ts";
import { Instances } from "./instance/instances.ts";
import { openLogin } from "./login/open-login.ts";
import { openFarmQueue } from "./queue/farm-queue.ts";
import { createJobRecords } from "./run/job-records.ts";
import { createRunCancellation } from "./run/run-cancellation.ts";
import { RunLedger } from "./run/run-ledger.ts";
import { createRunSubmission } from "./run/run-submission.ts";
import { openStore } from "./store/open-store.ts";
import type { Store } from "./store/store.ts";

/** How long a caller waits for Redis before it gets its answer without. */
const QUEUE_PATIENCE_MS = 3_000;
const RETENTION_EACH_MS = 3_600_000;

export interface ApiProcess extends AsyncDisposable {
  /** Where it listens, with the port that was taken. */
  readonly address: ListenAddress;
}

/** The API until it is disposed of. @throws {FarmError} PortInUse, StoreFull, QueueUnavailable, InvalidDocument */
export async function startApi(config: ApiConfig, log: Log): Promise<ApiProcess> {
  await using starting = new AsyncDisposableStack();
  const store = starting.use(await openStore(config, log));
  const queue = starting.use(
    await openFarmQueue({ address: config.redis, password: config.redisPassword, log, patienceMs: QUEUE_PATIENCE_MS }),
  );
  const metrics = createMetrics();
  const cluster = await openCluster(config, metrics, starting);
  const directory = starting.use(await openAgents(config, cluster, log));
  const boards = await loadBoards(createBoardFiles(config.boardFolders, join(config.dataFolder, "boards")));
  const availability = createBoardAvailability(directory, log);
  const ledger = starting.use(await RunLedger.open({ store, queue, log }));
  const firmware = createFirmwareImport(store);
  let publicUrl = config.publicUrl;
  const blobs = createBlobUrls({ key: await loadBlobKey(config.dataFolder), publicUrl: () => publicUrl });
  const clock = () => Date.now();
  const blobUrl = createBlobUrlSource(blobs, BLOB_URL_LIFE_MS, clock);
  const { allowed, denied, plainRegistries, ...limits } = config.imports;
  const web = createWebSource({ rules: createAddressRules(allowed, denied), ...limits });
  const importFirmware = createFirmwareImporter({
    firmware,
    web,
    images: createFirmwareImages({ web, plainRegistries, maxBytes: limits.maxBytes }),
    blobUrl,
  });
  const instances = config.agentPods
    ? undefined
    : starting.use(
        await Instances.open({
          store,
          directory,
          boards,
          availability,
          importFirmware,
          blobUrl,
          tenant: config.tenant,
          clock,
          log,
        }),
      );
  const cancellation = starting.use(createRunCancellation({ store, queue, ledger, log, clock }));
  const { waitingRoom } = queue;
  const server = starting.use(
    await createApiServer(
      {
        store,
        boards,
        availability,
        firmware,
        importFirmware,
        blobs,
        submit: createRunSubmission({ store, boards, availability, firmware, waitingRoom, ledger, log, clock }),
        cancellation,
        instances,
        ledger,
        jobs: createJobRecords({ store, ledger, queue, obstacles: await openObstacles(config, cluster, log) }),
        queue,
        agents: directory.agents,
        tenant: config.tenant,
        clock,
        // `up` takes this file away before it stops anything; an API that is started again finds it.
        isFarmStopping: () => config.addressFile !== undefined && !existsSync(join(config.dataFolder, "farm.json")),
        grantAgentAccess: cluster && (await grantingAccess(cluster)),
      },
      {
        ...config,
        admit: await openLogin(config, cluster, store),
        version: packageFile.version,
        metrics,
        log,
        notReady: () => undefined,
      },
    ),
  );
  const address = await server.listen(config.listen, "--port");
  // Where the system has chosen the port, the settings could not name it.
  if (address.kind === "tcp" && new URL(publicUrl).port === "0") publicUrl = urlOf(address);
  instances?.begin();
  if (config.addressFile !== undefined && address.kind === "tcp") await writeFile(config.addressFile, urlOf(address));
  starting.defer(keepRetention(store, instances, config, log));
  log.info({ address, boards: boards.list().length }, "the API listens");
  const resources = starting.move();
  return { address, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

async function grantingAccess({ client, keys }: ClusterSide): Promise<GrantAgentAccess> {
  const { createAgentAccess } = await import("./agents/agent-access.ts");
  return createAgentAccess(client, keys);
}

/** On one machine the agents are what they are. */
async function openObstacles({ agentPods }: ApiConfig, cluster: ClusterSide | undefined, log: Log) {
  if (!agentPods || !cluster) return async () => [];
  const { createPoolObstacles } = await import("./agents/pool-obstacles.ts");
  return createPoolObstacles({ client: cluster.client, namespaces: agentPods.namespaces, log });
}

/** Returns how to stop. */
function keepRetention(store: Store, instances: Instances | undefined, { retention }: ApiConfig, log: Log): () => void {
  const apply = async () => {
    await instances?.keepFirmware();
    return await store.applyRetention(retention, Date.now());
  };
  const timer = setInterval(() => {
    apply().then(
      (freed) => log.info(freed, "retention applied"),
      (error: unknown) => log.error({ err: error }, "the retention could not be applied"),
    );
  }, RETENTION_EACH_MS);
  return () => clearInterval(timer);
}
