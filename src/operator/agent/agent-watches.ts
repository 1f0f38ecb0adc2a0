import { createAgentClient } from "../../client/agent-client.ts";
import type { Log } from "../../log/log.ts";
import { AGENT_PORT } from "../kubernetes/agent-pod.ts";
import type { Pod } from "../kubernetes/kinds.ts";
import { isPodReady } from "../kubernetes/pod-observation.ts";
import type { AgentTrust } from "../trust/agent-trust.ts";
import { CertificateRenewal } from "../trust/certificate-renewal.ts";
import { AgentWatch } from "./agent-watch.ts";

export interface AgentWatchesDependencies {
  readonly trust: AgentTrust;
  /** The wall clock. */
  readonly clock: () => number;
  readonly log: Log;
  readonly lossMs: number;
}

/** The streams to all agents, one for each pod. */
export interface AgentWatches extends AsyncDisposable {
  /**
   * The watch of a pod, begun where there is none; undefined while the pod has no address. To be asked whenever the
   * pod has changed: one that becomes ready has an agent that answers.
   */
  open(pod: Pod, onChange: () => void): AgentWatch | undefined;
  /** An agent that answers, whichever. */
  anyConnected(): AgentWatch | undefined;
  /** Calls back when there is an agent that answers, after there was none. */
  onFirstConnected(listener: () => void): void;
  /** Ends the watches of pods that are gone. */
  keepOnly(isThere: (podUid: string) => boolean): void;
  readonly count: number;
  readonly connectedCount: number;
}

/** Agents beyond these that start at the same time are tried with growing pauses, and when their pods are ready. */
const EAGER_AT_ONCE = 64;

export function createAgentWatches(dependencies: AgentWatchesDependencies): AgentWatches {
  const { trust, clock, log, lossMs } = dependencies;
  const watches = new Map<string, AgentWatch>();
  /** Uids of pods whose agents are tried eagerly. */
  const starting = new Set<string>();
  let isAnyConnected = false;
  let firstConnected = () => {};
  const ending = new Set<Promise<void>>();

  function end(uid: string, watch: AgentWatch): void {
    watches.delete(uid);
    starting.delete(uid);
    const done = watch[Symbol.asyncDispose]().finally(() => ending.delete(done));
    ending.add(done);
  }

  const anyConnected = () => [...watches.values()].find(({ isConnected }) => isConnected);

  function lookForFirst(): void {
    const was = isAnyConnected;
    // While one is known to answer there is nothing to look for.
    isAnyConnected = (was && watches.size > 0) || anyConnected() !== undefined;
    if (isAnyConnected && !was) firstConnected();
  }

  return {
    anyConnected,
    onFirstConnected(listener) {
      firstConnected = listener;
    },
    open(pod, onChange) {
      const { uid = "" } = pod.metadata;
      const address = addressOf(pod);
      const known = watches.get(uid);
      const isReady = isPodReady(pod);
      if (known && (address === undefined || known.client.address === address)) {
        known.noteReadiness(isReady);
        return known;
      }
      if (known) end(uid, known);
      if (address === undefined) return undefined;
      const client = createAgentClient({ address, ...trust.credentialsFor(pod) });
      const isStarting = !isReady && starting.size < EAGER_AT_ONCE;
      if (isStarting) starting.add(uid);
      const changed = () => {
        starting.delete(uid);
        lookForFirst();
        onChange();
      };
      const renewal = new CertificateRenewal({ client, trust, clock, log });
      const watch = new AgentWatch({ client, renewal, onChange: changed, log, lossMs, isStarting });
      watch.noteReadiness(isReady);
      watches.set(uid, watch);
      return watch;
    },
    keepOnly(isThere) {
      for (const [uid, watch] of watches) if (!isThere(uid)) end(uid, watch);
      isAnyConnected &&= watches.size > 0;
    },
    get count() {
      return watches.size;
    },
    get connectedCount() {
      return [...watches.values()].filter(({ isConnected }) => isConnected).length;
    },
    async [Symbol.asyncDispose]() {
      for (const [uid, watch] of watches) end(uid, watch);
      await Promise.all(ending);
    },
  };
}

/** Where the agent of a pod is reached; undefined while that is not known. */
function addressOf({ status }: Pod): string | undefined {
  const ip = status?.podIP;
  if (ip === undefined || ip === "") return undefined;
  return `https://${ip.includes(":") ? `[${ip}]` : ip}:${AGENT_PORT}`;
}
