import { join } from "node:path";
import type { FarmFolders } from "../folders.ts";
import type { ProjectFiles } from "../surroundings.ts";
import { readyAtUrlIn, readyByHealth } from "./readiness.ts";
import { redisProcess } from "./redis.ts";
import type { ProcessSpec } from "./supervised.ts";

/** One agent serves this many slots well. */
export const SLOTS_PER_AGENT = 8;

/** What is chosen about a farm on one machine. */
export interface FarmPlan {
  readonly folders: FarmFolders;
  readonly project: ProjectFiles;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly node: string;
  readonly host: string;
  /** 0: one that the system chooses. */
  readonly port: number;
  readonly slots: number;
  readonly agents: number;
  /** Folders of boards besides those that come with emufarm and those of the farm itself. */
  readonly boards: readonly string[];
}

/** The processes of a farm in the order in which they may end: who gives work first, who keeps it last. */
export interface FarmProcesses {
  readonly api: ProcessSpec;
  readonly dispatcher: ProcessSpec;
  readonly agents: readonly ProcessSpec[];
  readonly redis: ProcessSpec;
}

/**
 * @param listening where the API listens: its port is set once the system has chosen one
 * @throws {FarmError} RedisMissing
 */
export function farmProcesses(plan: FarmPlan, listening: { port: number }): FarmProcesses {
  const { data, runtime } = plan.folders;
  const redisSocket = join(runtime, "redis.sock");
  const names = agentNames(plan.agents);
  const callerSettings = () => ({
    EMUFARM_REDIS: `unix:${redisSocket}`,
    EMUFARM_AGENTS: names.map((name) => `unix:${agentSocket(runtime, name)}`).join(","),
    EMUFARM_PUBLIC_URL: farmUrl(plan.host, listening.port),
    EMUFARM_BOARDS: [plan.project.boardsFolder, join(data, "boards"), ...plan.boards].join(":"),
    EMUFARM_DATA: data,
  });
  const dispatcherSocket = join(runtime, "dispatcher.sock");
  const urlFile = apiUrlFile(plan);
  const readyApi =
    plan.port === 0
      ? readyAtUrlIn(urlFile, ({ port }) => {
          listening.port = Number(port);
        })
      : readyByHealth({ host: plan.host, port: plan.port });
  const api = nodeProcess(plan, "api", plan.project.apiProgram, readyApi, () => ({
    ...callerSettings(),
    EMUFARM_ROLE: "api",
    EMUFARM_LISTEN: `tcp:${plan.host}:${listening.port}`,
    EMUFARM_ADDRESS_FILE: urlFile,
  }));
  const readyDispatcher = readyByHealth({ socketPath: dispatcherSocket });
  const dispatcher = nodeProcess(plan, "dispatcher", plan.project.apiProgram, readyDispatcher, () => ({
    ...callerSettings(),
    EMUFARM_ROLE: "dispatcher",
    EMUFARM_LISTEN: `unix:${dispatcherSocket}`,
  }));
  return {
    api,
    dispatcher,
    agents: names.map((name, index) => agentProcess(plan, name, slotsOf(plan, index))),
    redis: redisProcess({
      dataFolder: join(data, "redis"),
      socketPath: redisSocket,
      logFile: logFile(plan, "redis"),
      path: plan.env.PATH,
    }),
  };
}

export function farmUrl(host: string, port: number): string {
  return `http://${host}:${port}`;
}

/** Where the API says which port it got. */
export function apiUrlFile({ folders }: Pick<FarmPlan, "folders">): string {
  return join(folders.runtime, "api.url");
}

function agentNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `agent${index}`);
}

function agentSocket(runtime: string, name: string): string {
  return join(runtime, `${name}.sock`);
}

/** Slots are spread evenly; the first agents take what does not come out even. */
function slotsOf({ slots, agents }: FarmPlan, index: number): number {
  return Math.floor(slots / agents) + (index < slots % agents ? 1 : 0);
}

function agentProcess(plan: FarmPlan, name: string, slots: number): ProcessSpec {
  const { data, runtime } = plan.folders;
  const socketPath = agentSocket(runtime, name);
  return nodeProcess(plan, name, plan.project.agentProgram, readyByHealth({ socketPath }), () => ({
    EMUFARM_LISTEN: `unix:${socketPath}`,
    EMUFARM_RUNTIME_DIR: join(runtime, name),
    EMUFARM_DATA: join(data, "agents", name),
    EMUFARM_SLOTS: String(slots),
    EMUFARM_GRACE_MS: plan.env.EMUFARM_GRACE_MS ?? "1000",
  }));
}

function nodeProcess(
  plan: FarmPlan,
  name: string,
  program: string,
  readiness: ProcessSpec["readiness"],
  settings: () => Record<string, string>,
): ProcessSpec {
  const { data, cache } = plan.folders;
  const shared = { EMUFARM_TOKEN_FILE: join(data, "token"), EMUFARM_CACHE: cache };
  const env = () => ({ NODE_COMPILE_CACHE: join(cache, "node"), ...plan.env, ...shared, ...settings() });
  return { name, command: plan.node, args: [program], env, readiness, logFile: logFile(plan, name) };
}

function logFile(plan: FarmPlan, name: string): string {
  return join(plan.folders.data, "logs", `${name}.log`);
}
