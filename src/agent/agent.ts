import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import packageFile from "../../package.json" with { type: "json" };
import { FarmError } from "../core/error/farm-error.ts";
import type { ListenAddress } from "../http/listen-address.ts";
import { createMetrics } from "../http/process-metrics.ts";
import { createHttpServer } from "../http/server.ts";
import type { Log } from "../log/log.ts";
import { createAgentEvents } from "./agent-events.ts";
import type { AgentParts } from "./agent-parts.ts";
import { Attempts } from "./attempt/attempts.ts";
import { Spool } from "./attempt/spool.ts";
import { createSpawnStrategy } from "./boot/spawn-strategy.ts";
import type { AgentConfig } from "./config.ts";
import { Emulators } from "./emulator/emulators.ts";
import { FirmwareCache } from "./firmware/firmware-cache.ts";
import { createFirmwareDownload } from "./firmware/firmware-download.ts";
import { createFirmwareSupply } from "./firmware/firmware-supply.ts";
import { createSlotPool } from "./guest/slot-pool.ts";
import { addRoutes } from "./http/routes.ts";
import { createAgentMetrics } from "./metrics.ts";
import { openSlots } from "./slot/open-slots.ts";
import { chooseSlotUids } from "./slot-uids.ts";

export interface Agent {
  readonly address: ListenAddress;
  /** Takes no new work, lets what runs go on for `graceMs`, then ends it. Leaves no process and no socket. */
  stop(graceMs: number): Promise<void>;
}

/** @throws {FarmError} PortInUse, SocketPathTooLong, Conflict, EmulatorUnusable */
export async function startAgent(config: AgentConfig, log: Log): Promise<Agent> {
  await using cleanup = new AsyncDisposableStack();
  const firmwareFolder = join(config.dataFolder, "firmware");
  const slotsFolder = join(config.runtimeFolder, "slots");
  await openFolders([config.runtimeFolder, config.dataFolder, firmwareFolder]);
  const uidBase = await chooseSlotUids(config, [firmwareFolder, config.runtimeFolder]);
  const slots = await openSlots({ folder: slotsFolder, count: config.slots, uidBase });
  cleanup.defer(() => rm(slotsFolder, { recursive: true, force: true }));

  const agentId = `agent-${randomBytes(6).toString("hex")}`;
  const events = createAgentEvents();
  const pool = createSlotPool(slots, () =>
    events.emit({ type: "slots", freeSlots: pool.freeSlots, isDraining: pool.isDraining }),
  );
  const registry = createMetrics();
  const metrics = createAgentMetrics(registry, pool);
  const emulators = new Emulators({ searchPath: config.searchPath, cacheFolder: config.cacheFolder, uid: uidBase });
  const strategy = createSpawnStrategy({ emulators, prlimit: findProgram("prlimit", config.searchPath) });
  const cache = await FirmwareCache.open({ folder: firmwareFolder, limitBytes: config.firmwareCacheBytes });
  const firmware = createFirmwareSupply(cache, createFirmwareDownload(cache, log));
  const spool = cleanup.use(await Spool.open(join(config.dataFolder, "spool")));
  const attempts = await Attempts.open({
    agentId,
    slots: pool,
    spool,
    events,
    metrics,
    log,
    attempt: { emulators, strategy, firmware },
  });

  const server = cleanup.use(
    await createHttpServer({
      log,
      trust: { token: config.token, tokenFile: config.tokenFile },
      metrics: registry,
      notReady: () => (pool.isDraining ? "draining" : undefined),
    }),
  );
  const slotIsolation = uidBase === undefined ? "none" : "uid";
  const parts: AgentParts = {
    agentId,
    version: packageFile.version,
    attempts,
    slots: pool,
    events,
    emulators,
    cache,
    slotIsolation,
    log,
  };
  addRoutes(server, parts);
  const address = await server.listen(config.listen, "EMUFARM_LISTEN");
  log.info({ agentId, slots: pool.slots, slotIsolation, listen: address }, "agent is up");

  const kept = cleanup.move();
  return {
    address,
    async stop(graceMs) {
      pool.drain();
      const late = setTimeout(() => attempts.abortAll(new FarmError("Draining", {})), graceMs);
      await attempts.allEnded().finally(() => clearTimeout(late));
      await kept.disposeAsync();
    },
  };
}

/** Emulators of slots with users of their own pass through these folders; what is in them has modes of its own. */
async function openFolders(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(path, { recursive: true });
    await chmod(path, 0o711);
  }
}

function findProgram(name: string, searchPath: readonly string[]): string {
  const path = searchPath.map((folder) => join(folder, name)).find((one) => existsSync(one));
  if (path !== undefined) return path;
  throw new FarmError("EmulatorUnusable", { binary: name, detail: "it is not in PATH; it comes with util-linux" });
}
