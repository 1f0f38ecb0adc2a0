import { isDeepStrictEqual } from "node:util";
import type { AgentClient, Guest } from "../../client/agent-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { attemptIdOf, parseJobId } from "../../core/policy/attempt-id.ts";
import type { StoredRun } from "../store/store.ts";
import type { RouteContext } from "./api-server.ts";
import { instancesOf } from "./instance-routes.ts";
import { findPlace, watchRun } from "./log-source.ts";

/** A guest on its agent. */
export interface GuestPlace {
  readonly agent: AgentClient;
  readonly guest: Guest;
}

/** Where the guests of one kind of owner are. */
export interface GuestPlaces {
  /**
   * Where the guest is now; undefined while it has not begun.
   * @throws {FarmError} NotFound; Conflict where it has ended
   */
  find(name: string): Promise<GuestPlace | undefined>;
  /**
   * The same, but what has not begun is waited for; undefined where it never does.
   * @param left where it was, and is no more
   */
  wait(name: string, signal: AbortSignal, left?: GuestPlace): Promise<GuestPlace | undefined>;
}

/** Guests of instances: one that has no slot has none. */
export function instancePlaces(context: RouteContext): GuestPlaces {
  const find = async (name: string) => {
    const { agent, uid } = instancesOf(context).locate(name);
    return { agent, guest: { instance: uid } };
  };
  return { find, wait: find };
}

/** Guests of jobs: a job that waits has none yet. */
export function jobPlaces(context: RouteContext): GuestPlaces {
  const { store, agents } = context;

  async function look(run: StoredRun, id: string): Promise<GuestPlace | undefined> {
    const place = await findPlace(context, run, id);
    const agent = place && agents.get(place.agent);
    return agent && { agent, guest: { attempt: attemptIdOf(id, place.attempt) } };
  }

  return {
    async find(id) {
      if (await store.readVerdict(id)) {
        throw new FarmError("Conflict", {
          what: `A channel of job ${id}`,
          problem: `the job has finished; emufarm logs ${id} shows what it wrote`,
        });
      }
      const { runId, index } = parseJobId(id);
      const run = await store.readRun(runId);
      if (!run?.spec.jobs[index]) throw new FarmError("NotFound", { kind: "job", name: id });
      return await look(run, id);
    },
    async wait(id, signal, left) {
      const run = await store.readRun(parseJobId(id).runId);
      if (!run) return undefined;
      using watch = await watchRun(context, run.id, signal);
      while (!signal.aborted) {
        const place = await look(run, id);
        if (place && !isDeepStrictEqual(place.guest, left?.guest)) return place;
        if (await store.readVerdict(id)) return undefined;
        await watch.next();
      }
      return undefined;
    },
  };
}
