import { hostname } from "node:os";
import type { Registry } from "prom-client";
import type { AgentClient } from "../../client/agent-client.ts";
import { createHttpServer, type HttpApp, type HttpServer } from "../../http/server.ts";
import type { Admit } from "../../http/trust.ts";
import type { Log } from "../../log/log.ts";
import type { GrantAgentAccess } from "../agents/agent-access.ts";
import type { BoardAvailability } from "../board/board-availability.ts";
import type { BoardRegistry } from "../board/board-registry.ts";
import type { BlobUrls } from "../firmware/blob-urls.ts";
import type { FirmwareImport } from "../firmware/firmware-import.ts";
import type { ImportFirmware } from "../firmware/firmware-importer.ts";
import type { Instances } from "../instance/instances.ts";
import type { FarmQueue } from "../queue/farm-queue.ts";
import type { JobRecords } from "../run/job-records.ts";
import type { RunCancellation } from "../run/run-cancellation.ts";
import type { RunLedger } from "../run/run-ledger.ts";
import type { SubmitRun } from "../run/run-submission.ts";
import type { Store } from "../store/store.ts";
import { addAgentTokenRoutes } from "./agent-token-routes.ts";
import { addBoardRoutes } from "./board-routes.ts";
import { addChannelRoutes } from "./channel-routes.ts";
import { addFirmwareRoutes } from "./firmware-routes.ts";
import { addImportRoutes } from "./import-routes.ts";
import { addInstanceRoutes } from "./instance-routes.ts";
import { addJobRoutes } from "./job-routes.ts";
import { addPageRoutes } from "./page-routes.ts";
import { addQueueRoutes } from "./queue-routes.ts";
import { addRunRoutes } from "./run-routes.ts";

/** What the routes stand on. */
export interface ApiServices {
  readonly store: Store;
  readonly boards: BoardRegistry;
  readonly availability: BoardAvailability;
  readonly firmware: FirmwareImport;
  readonly importFirmware: ImportFirmware;
  readonly blobs: BlobUrls;
  readonly submit: SubmitRun;
  readonly cancellation: RunCancellation;
  readonly ledger: RunLedger;
  readonly jobs: JobRecords;
  /** Absent on a cluster, where they are objects of Kubernetes. */
  readonly instances: Instances | undefined;
  readonly queue: Pick<FarmQueue, "waitingRoom" | "placesOf" | "signals">;
  /** By the address that the settings name. */
  readonly agents: ReadonlyMap<string, AgentClient>;
  /** Tenant of those who call: on one machine, its user. */
  readonly tenant: string;
  readonly clock: () => number;
  /** Whether the whole farm is being stopped, so that no other API comes after this one. */
  readonly isFarmStopping: () => boolean;
  /** Undefined where agents are not in pods. */
  readonly grantAgentAccess: GrantAgentAccess | undefined;
}

export interface RouteContext extends ApiServices {
  readonly app: HttpApp;
  /** Aborted when the server begins to close. */
  readonly closing: AbortSignal;
  readonly log: Log;
}

export interface ApiServerOptions {
  readonly token: string;
  readonly tokenFile: string;
  /** Takes others than whoever has the token: on a cluster. */
  readonly admit?: Admit | undefined;
  readonly publicUrl: string;
  readonly allowedHosts: readonly string[];
  readonly version: string;
  readonly metrics: Registry;
  readonly log: Log;
  readonly notReady: () => string | undefined;
}

/** The farm's API, ready to listen. */
export async function createApiServer(services: ApiServices, options: ApiServerOptions): Promise<HttpServer> {
  const { token, tokenFile, admit, publicUrl, allowedHosts, metrics, log, notReady } = options;
  const server = await createHttpServer({
    log,
    metrics,
    notReady,
    trust: { token, tokenFile, admit, allowedHosts: [new URL(publicUrl).hostname, hostname(), ...allowedHosts] },
    farewell: () => (services.isFarmStopping() ? "the farm is being stopped" : "the farm's API is being stopped"),
    openApi: {
      title: "emufarm",
      version: options.version,
      description: "Runs firmware on emulated boards: firmware in, verdict out.",
    },
  });
  const context: RouteContext = { ...services, app: server.app, closing: server.closing, log };
  for (const add of [
    addFirmwareRoutes,
    addImportRoutes,
    addRunRoutes,
    addQueueRoutes,
    addJobRoutes,
    addChannelRoutes,
    addInstanceRoutes,
    addBoardRoutes,
    addAgentTokenRoutes,
    addPageRoutes,
  ]) {
    await add(context);
  }
  return server;
}
