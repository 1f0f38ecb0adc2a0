import type { FarmClient } from "../../client/farm-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Target } from "./target.ts";
import { unknownTarget } from "./unknown-target.ts";

/** Runs whose jobs may have been meant. */
const NEWEST_RUNS = 5;

/** A job of the farm. @throws {FarmError} UnknownTarget with the nearest job */
export async function openJobTarget(surroundings: Surroundings, id: string, options: FarmOptions): Promise<Target> {
  await using opening = new AsyncDisposableStack();
  const farm = opening.use(await connectFarm(surroundings, options));
  const { spec } = await findJob(farm, id);
  const { request, bytes, openWebSocket } = farm.channels(id);
  const open = opening.move();
  return {
    name: id,
    hasAgent: true,
    request,
    bytes,
    openWebSocket,
    async board() {
      const board = await farm.board(spec.board);
      return { name: board.name, spec: board.spec };
    },
    readLog: (uart, { isFollowed = false, ...follow } = {}) =>
      isFollowed ? farm.followLog(id, uart, follow) : farm.log(id, uart),
    async openRaw(channel) {
      const problem = "jobs have no raw ports; an instance whose channels list it with tcp: true has one";
      throw new FarmError("ChannelUnreachable", { channel, instance: id, problem });
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function findJob(farm: FarmClient, id: string) {
  try {
    return await farm.job(id);
  } catch (error) {
    if (!(error instanceof FarmError) || error.code !== "NotFound") throw error;
    throw unknownTarget(id, await newestJobs(farm), { cause: error });
  }
}

async function newestJobs(farm: FarmClient): Promise<string[]> {
  const ids: string[] = [];
  for (const run of await farm.runs({ limit: NEWEST_RUNS })) {
    for await (const job of farm.jobs(run.id, { state: "running" })) ids.push(job.id);
  }
  return ids;
}
