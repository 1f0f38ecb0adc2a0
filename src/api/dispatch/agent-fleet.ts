import type { Log } from "../../log/log.ts";
import type { AgentDirectory } from "../agents/agent-directory.ts";
import { AgentLink, type AgentLinkEvents, type TakenSlot } from "./agent-link.ts";

/** All agents of a pool. */
export interface AgentFleet extends Disposable {
  readonly links: readonly AgentLink[];
  readonly freeSlots: number;
  /** Slots of the agents that take work. */
  readonly slots: number;
  /** Connects to every agent that is there; settles once each has told what it has, or has been away for too long. */
  open(): Promise<void>;
  /**
   * Takes a slot for an attempt, waiting for one, in the order of asking. Not on the agent to avoid, where there is
   * another one.
   */
  takeSlot(attemptId: string, avoided?: AgentLink): Promise<TakenSlot>;
}

export interface AgentFleetDependencies {
  readonly directory: AgentDirectory;
  readonly events: AgentLinkEvents;
  readonly log: Log;
  readonly lossMs: number;
}

interface Waiter {
  readonly attemptId: string;
  readonly avoided: AgentLink | undefined;
  readonly resolve: (taken: TakenSlot) => void;
}

export function createAgentFleet({ directory, events, log, lossMs }: AgentFleetDependencies): AgentFleet {
  let waiters: Waiter[] = [];
  const linkEvents: AgentLinkEvents = {
    ...events,
    onSlots(link) {
      serveWaiters();
      events.onSlots(link);
    },
  };
  let links: AgentLink[] = [];
  let stopWatching: (() => void) | undefined;

  function pick(avoided: AgentLink | undefined): AgentLink | undefined {
    const isElsewhere = links.some((link) => link !== avoided && link.isUsable);
    let best: AgentLink | undefined;
    for (const link of links) {
      if (link === avoided && isElsewhere) continue;
      if (link.freeSlots > (best?.freeSlots ?? 0)) best = link;
    }
    return best;
  }

  function serveWaiters(): void {
    if (waiters.length === 0) return;
    const unserved: Waiter[] = [];
    for (const waiter of waiters) {
      const link = pick(waiter.avoided);
      if (link) waiter.resolve(link.take(waiter.attemptId));
      else unserved.push(waiter);
    }
    waiters = unserved;
  }

  /** Agents that came are connected to; of those that have gone, all is given up. */
  function followDirectory(): void {
    const clients = new Set(directory.agents.values());
    const gone = links.filter((link) => !clients.has(link.client));
    for (const link of links) clients.delete(link.client);
    const come = [...clients].map((client) => new AgentLink({ client, events: linkEvents, log, lossMs }));
    links = [...links.filter((link) => !gone.includes(link)), ...come];
    for (const link of gone) link.leave();
    for (const link of come) link.open();
  }

  return {
    get links() {
      return links;
    },
    get freeSlots() {
      return links.reduce((sum, link) => sum + link.freeSlots, 0);
    },
    get slots() {
      return links.reduce((sum, link) => sum + (link.isUsable ? link.slots : 0), 0);
    },
    async open() {
      await directory.known;
      stopWatching = directory.watch(followDirectory);
      followDirectory();
      await Promise.all(links.map((link) => link.untilKnown()));
    },
    takeSlot(attemptId, avoided) {
      const { promise, resolve } = Promise.withResolvers<TakenSlot>();
      waiters.push({ attemptId, avoided, resolve });
      serveWaiters();
      return promise;
    },
    [Symbol.dispose]() {
      waiters = [];
      stopWatching?.();
      for (const link of links) link[Symbol.dispose]();
    },
  };
}
