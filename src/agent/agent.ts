import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import type { Registry } from "prom-client";
import packageFile from "../../package.json" with { type: "json" };
import { FarmError } from "../core/error/farm-error.ts";
import type { ListenAddress } from "../http/listen-address.ts";
import { createMetrics } from "../http/process-metrics.ts";
import { createHttpServer } from "../http/server.ts";
import type { ServerIdentity } from "../http/server-identity.ts";
import type { Admit } from "../http/trust.ts";
import type { Log } from "../log/log.ts";
import { createAgentEvents } from "./agent-events.ts";
import type { AgentParts } from "./agent-parts.ts";
import { Attempts } from "./attempt/attempts.ts";
import { Spool } from "./attempt/spool.ts";
import { createBootStrategy } from "./boot/boot-strategy.ts";
import { countedBoots } from "./boot/counted-boots.ts";
import type { AgentConfig } from "./config.ts";
import { Emulators, findProgram } from "./emulator/emulators.ts";
import { FirmwareCache } from "./firmware/firmware-cache.ts";
import { createFirmwareDownload } from "./firmware/firmware-download.ts";
import { createFirmwareSupply } from "./firmware/firmware-supply.ts";
import { createSlotPool, type SlotPool } from "./guest/slot-pool.ts";
import { addRoutes } from "./http/routes.ts";
import { InstanceStore } from "./instance/instance-store.ts";
import { Instances } from "./instance/instances.ts";
import { createAgentMetrics } from "./metrics.ts";
import { openSlots } from "./slot/open-slots.ts";
import { chooseSlotUids } from "./slot-uids.ts";
import { SnapshotStore } from "./snapshot/snapshot-store.ts";
import { ServerCertificate } from "./trust/server-certificate.ts";

/** What whoever has a channel open is told of the agent's end. An agent in a pod does not know more. */
const POD_ENDS = "its pod ends: the instance was deleted, or goes on in another pod";
const FARM_ENDS = "the farm is being stopped";

export interface Agent {
  readonly address: ListenAddress;
  /** Takes no new work, lets what runs go on for `graceMs`, then ends it. Leaves no process and no socket. */
  stop(graceMs: number): Promise<void>;
}

/**
 * @param console where output of UARTs goes that shall be in the log of the agent's pod
 * @throws {FarmError} PortInUse, SocketPathTooLong, Conflict, EmulatorUnusable
 */
export async function startAgent(config: AgentConfig, log: Log, console: Writable): Promise<Agent> {
  await using cleanup = new AsyncDisposableStack();
  const registry = createMetrics();
  const parts = await assemble({ config, log, console }, registry, cleanup);
  const { attempts, slots, certificate } = parts;
  const { token, tokenFile, allowedHosts } = config;
  const server = cleanup.use(
    await createHttpServer({
      log,
      trust: { token, tokenFile, allowedHosts, admit: await openAdmission(config) },
      tls: certificate?.identity,
      metrics: registry,
      farewell: () => parts.farewell,
      notReady: () => (slots.isEnding ? "draining" : undefined),
    }),
  );
  certificate?.onRenewal((identity) => {
    server.setIdentity(identity);
    log.info("the certificate was renewed");
  });
  addRoutes(server, parts);
  const address = await server.listen(config.listen, "EMUFARM_LISTEN");
  const { agentId, slotIsolation } = parts;
  log.info({ agentId, slots: slots.slots, slotIsolation, listen: address }, "agent is up");

  const kept = cleanup.move();
  return {
    address,
    async stop(graceMs) {
      slots.drain();
      const late = setTimeout(() => attempts.abortAll(new FarmError("Draining", {})), graceMs);
      await attempts.allEnded().finally(() => clearTimeout(late));
      await kept.disposeAsync();
    },
  };
}

/** What has to be undone goes onto `cleanup`, so that it is undone in reverse order. */
async function assemble(
  { config, log, console }: { config: AgentConfig; log: Log; console: Writable },
  registry: Registry,
  cleanup: AsyncDisposableStack,
): Promise<AgentParts> {
  const firmwareFolder = join(config.dataFolder, "firmware");
  await openFolders([config.runtimeFolder, config.dataFolder, firmwareFolder]);
  const uidBase = await chooseSlotUids(config, [firmwareFolder, config.runtimeFolder], log);
  const slotsFolder = join(config.runtimeFolder, "slots");
  const opened = await openSlots({ folder: slotsFolder, count: config.slots, uidBase });
  cleanup.defer(() => rm(slotsFolder, { recursive: true, force: true }));

  const agentId = `agent-${randomBytes(6).toString("hex")}`;
  const events = createAgentEvents();
  const slots: SlotPool = createSlotPool(opened, () =>
    events.emit({ type: "slots", freeSlots: slots.freeSlots, isDraining: slots.isDraining }),
  );
  const metrics = createAgentMetrics(registry, slots);
  const emulators = new Emulators({ searchPath: config.searchPath, cacheFolder: config.cacheFolder, uid: uidBase });
  // Of use while the agent still starts, and waits to be told which board it shall be.
  for (const binary of config.wantedEmulators) emulators.lookAt(binary);
  const snapshots = await SnapshotStore.open({
    folder: join(config.dataFolder, "snapshots"),
    limitBytes: config.snapshotBytes,
    log,
  });
  const prlimit = await findPrlimit(config.searchPath);
  const made = cleanup.use(createBootStrategy({ emulators, snapshots, prlimit, onStray: metrics.bytesDropped }));
  const boots = countedBoots(made, metrics.bootEnded);
  const cache = await FirmwareCache.open({ folder: firmwareFolder, limitBytes: config.firmwareCacheBytes });
  const firmware = createFirmwareSupply(cache, createFirmwareDownload(cache, log));

  const spool = cleanup.use(await Spool.open(join(config.dataFolder, "spool")));
  const attempt = { boots, firmware };
  const attempts = await Attempts.open({ agentId, slots, spool, events, metrics, log, attempt });
  const store = await InstanceStore.open(join(config.dataFolder, "instances"));
  const host = config.listen.kind === "tcp" ? config.listen.host : "127.0.0.1";
  const farewell = config.signedTokens ? POD_ENDS : FARM_ENDS;
  const instances = cleanup.use(
    new Instances({ slots, store, boots, firmware, events, metrics, log, host, console, farewell }),
  );
  const slotIsolation = uidBase === undefined ? "none" : "uid";
  const { version } = packageFile;
  const certificate = config.tls && (await openCertificate(config.tls, config.runtimeFolder));
  return {
    agentId,
    version,
    attempts,
    instances,
    slots,
    events,
    emulators,
    cache,
    firmware,
    certificate,
    slotIsolation,
    farewell,
  };
}

function openCertificate(identity: ServerIdentity, folder: string): Promise<ServerCertificate> {
  return ServerCertificate.open({ identity, file: join(folder, "tls.crt") });
}

/** Loaded in pods only: on one machine a token in a file is enough, and a start is quick. */
async function openAdmission({ signedTokens }: AgentConfig): Promise<Admit | undefined> {
  if (!signedTokens) return undefined;
  const { keysFile, audience } = signedTokens;
  const [{ createAdmission, readPublicKeys }, { createTokenVerifier }] = await Promise.all([
    import("./trust/admission.ts"),
    import("../token/token-verifier.ts"),
  ]);
  return createAdmission(
    createTokenVerifier({ readKeys: () => readPublicKeys(keysFile), audience, clock: () => Date.now() }),
  );
}

/** Emulators of slots with users of their own pass through these folders; what is in them has modes of its own. */
async function openFolders(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(path, { recursive: true });
    // A folder that was mounted belongs to others: so does its mode, and the agent is no root then.
    if ((await stat(path)).uid === process.getuid?.()) await chmod(path, 0o711);
  }
}

async function findPrlimit(searchPath: readonly string[]): Promise<string> {
  const path = await findProgram("prlimit", searchPath);
  if (path !== undefined) return path;
  throw new FarmError("EmulatorUnusable", { binary: "prlimit", detail: "it is not in PATH; it comes with util-linux" });
}
