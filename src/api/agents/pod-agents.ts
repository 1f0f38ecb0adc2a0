import { type AgentClient, createAgentClient } from "../../client/agent-client.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import type { KubeMetrics } from "../../kube/kube-metrics.ts";
import type { KubeObject, Resource } from "../../kube/kube-object.ts";
import { createReflector, type Reflector } from "../../kube/reflector.ts";
import type { Log } from "../../log/log.ts";
import type { AgentDirectory } from "./agent-directory.ts";
import type { AgentKeys } from "./agent-keys.ts";

/** What of a pod is read. */
export interface AgentPod extends KubeObject {
  readonly status?: { readonly phase?: string; readonly podIP?: string };
}

export interface PodAgentsOptions {
  readonly client: Pick<KubeClient, "list" | "watch">;
  readonly metrics: KubeMetrics;
  readonly log: Log;
  /** Which pods are agents. */
  readonly labelSelector: string;
  /** Where they are looked for; none: everywhere. */
  readonly namespaces: readonly string[];
  readonly keys: Pick<AgentKeys, "credentialsFor">;
}

/** Port of every agent in a pod. */
const AGENT_PORT = 8_080;
const PODS: Resource<AgentPod> = { apiVersion: "v1", kind: "Pod", plural: "pods", isNamespaced: true };
/** A node puts keys into a folder in its own time, and no pod need change for that. */
const RETRY_MS = 2_000;
/** A pod of these runs nothing any more. */
const ENDED_PHASES = new Set(["Succeeded", "Failed"]);

/** The agents in pods, from when a pod has its address until it has gone: one that is being deleted ends its work first. */
export function openPodAgents(options: PodAgentsOptions): AgentDirectory {
  const agents = new Map<string, AgentClient & { readonly podUid: string }>();
  const listeners = new Set<() => void>();
  const { client, metrics, log, labelSelector } = options;
  const namespaces = options.namespaces.length === 0 ? [undefined] : options.namespaces;
  const reflectors: Reflector<AgentPod>[] = namespaces.map((namespace) =>
    createReflector({
      client,
      metrics,
      log,
      resource: PODS,
      labelSelector,
      ...(namespace !== undefined && { namespace }),
      onChange: update,
    }),
  );

  // One after another: the keys are read from files.
  let updates: Promise<void> = Promise.resolve();
  let retry: NodeJS.Timeout | undefined;
  function update(): void {
    updates = updates.then(converge).catch((error: unknown) => {
      log.error({ err: error, retryMs: RETRY_MS }, "the agents in pods could not be brought up to date");
      retry ??= setTimeout(() => {
        retry = undefined;
        update();
      }, RETRY_MS);
    });
  }

  async function converge(): Promise<void> {
    const wanted = addressesOf(reflectors.flatMap((reflector) => reflector.list()));
    const gone = [...agents].filter(([address, { podUid }]) => wanted.get(address)?.metadata.uid !== podUid);
    const come = [...wanted].filter(([address, { metadata }]) => agents.get(address)?.podUid !== metadata.uid);
    if (gone.length === 0 && come.length === 0) return;
    for (const [address] of gone) agents.delete(address);
    // The agent of a new pod may have the address of one that has gone: that must be told in between.
    if (gone.length > 0) tell();
    for (const [, agent] of gone) await agent[Symbol.asyncDispose]();
    for (const [address, pod] of come) {
      const agent = createAgentClient({ address, ...(await options.keys.credentialsFor(pod)) });
      agents.set(address, Object.assign(agent, { podUid: pod.metadata.uid ?? "" }));
    }
    if (come.length > 0) tell();
  }

  function tell(): void {
    for (const listener of listeners) listener();
  }

  const known = Promise.all(reflectors.map((reflector) => reflector.synced)).then(() => {
    update();
    return updates;
  });
  // Who does not wait for the agents need not hear that they were never found.
  known.catch(() => {});
  return {
    agents,
    known,
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      listeners.clear();
      for (const reflector of reflectors) await reflector[Symbol.asyncDispose]();
      await updates;
      clearTimeout(retry);
      for (const agent of agents.values()) await agent[Symbol.asyncDispose]();
    },
  };
}

/** Pods by the addresses of their agents. */
export function addressesOf(pods: readonly AgentPod[]): Map<string, AgentPod> {
  const addresses = new Map<string, AgentPod>();
  for (const pod of pods) {
    const { phase = "", podIP } = pod.status ?? {};
    if (podIP === undefined || pod.metadata.uid === undefined || ENDED_PHASES.has(phase)) continue;
    addresses.set(`https://${podIP.includes(":") ? `[${podIP}]` : podIP}:${AGENT_PORT}`, pod);
  }
  return addresses;
}
