import { randomBytes } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { makeFarmFolders } from "./farm-folders.ts";
import { apiUrlFile, type FarmPlan, farmProcesses, farmUrl } from "./farm-process.ts";
import { FolderLock } from "./folder-lock.ts";
import { identifyProcess } from "./process-identity.ts";
import { Supervised, type SupervisionEvents } from "./supervised.ts";

export interface RunningFarm extends AsyncDisposable {
  /** URL of the API. */
  readonly address: string;
  readonly token: string;
  readonly tokenFile: string;
}

/** How long each kind of process may take to end by itself. */
const GRACE_MS = { callers: 5_000, agents: 10_000, redis: 5_000 };

/**
 * Starts a whole farm, all processes at once, and settles when each of them is ready. Disposing of it ends all in
 * order, and removes what is only for the time it is up.
 * @throws {FarmError} FolderInUse, InvalidRequest for folders that cannot be made, PortInUse, RedisMissing, ProcessStartFailed; the signal's reason
 */
export async function startFarm(
  plan: FarmPlan & { readonly pid: number; readonly uid: number },
  events: Pick<SupervisionEvents, "onLost">,
  signal: AbortSignal,
): Promise<RunningFarm> {
  await using cleanup = new AsyncDisposableStack();
  const { folders } = plan;
  await makeFarmFolders(folders, plan.uid);
  const lock = cleanup.use(await FolderLock.acquire(join(folders.data, "lock"), folders.data, plan.pid));
  cleanup.defer(() => rm(folders.runtime, { recursive: true, force: true }));
  const token = await ownToken(join(folders.data, "token"));
  if (plan.port !== 0) await claimPort(plan.host, plan.port);
  // A farm that was killed left its own.
  await rm(apiUrlFile(plan), { force: true });
  const listening = { port: plan.port };
  const processes = farmProcesses(plan, listening);
  const supervise = (spec: ConstructorParameters<typeof Supervised>[0]) =>
    new Supervised(spec, { ...events, onStarted: (name, pid) => void lock.note(name, pid) });
  const [api, dispatcher] = [supervise(processes.api), supervise(processes.dispatcher)];
  const stages = [
    { processes: [supervise(processes.redis)], graceMs: GRACE_MS.redis },
    { processes: processes.agents.map(supervise), graceMs: GRACE_MS.agents },
    { processes: [api, dispatcher], graceMs: GRACE_MS.callers },
  ];
  for (const stage of stages) {
    cleanup.defer(async () => {
      await Promise.all(stage.processes.map((process) => process.stop(stage.graceMs)));
    });
  }
  const all = stages.flatMap((stage) => stage.processes);
  for (const process of all) if (process !== dispatcher || plan.port !== 0) process.start();
  // The dispatcher gives agents the URL of the API.
  const allReady = Promise.all(all.map((process) => process.ready));
  const first = plan.port === 0 ? api.ready.then(() => dispatcher.start()) : allReady;
  for (const step of [first, allReady]) await Promise.race([step, allReady, aborted(signal)]);

  const farmFile = join(folders.data, "farm.json");
  cleanup.defer(() => rm(farmFile, { force: true }));
  const farm = { ...identifyProcess(plan.pid), url: farmUrl(plan.host, listening.port) };
  await writeFile(`${farmFile}.new`, JSON.stringify(farm), { mode: 0o600 });
  await rename(`${farmFile}.new`, farmFile);
  const kept = cleanup.move();
  return {
    address: farm.url,
    token,
    tokenFile: join(folders.data, "token"),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** The token of the farm, made at its first start. */
async function ownToken(file: string): Promise<string> {
  try {
    const token = (await readFile(file, "utf8")).trim();
    if (token !== "") return token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const token = randomBytes(32).toString("base64url");
  await writeFile(`${file}.new`, token, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return token;
}

/** Tells at once when the port is taken, in words: the API would say it only in its log. */
async function claimPort(host: string, port: number): Promise<void> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", (cause: NodeJS.ErrnoException) =>
    reject(
      cause.code === "EADDRINUSE" ? new FarmError("PortInUse", { port, host, option: "--port" }, { cause }) : cause,
    ),
  );
  server.listen({ host, port }, () => server.close(() => resolve()));
  await promise;
}
