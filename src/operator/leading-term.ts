import { randomBytes } from "node:crypto";
import { createFarmClient } from "../client/farm-client.ts";
import { createEventRecorder } from "../kube/event-recorder.ts";
import type { KubeMetrics } from "../kube/kube-metrics.ts";
import type { Leadership } from "../kube/leader-election.ts";
import { createWorkQueue } from "../kube/work-queue.ts";
import type { Log } from "../log/log.ts";
import { type AgentAddress, createAgentWatches } from "./agent/agent-watches.ts";
import type { OperatorConfig } from "./config.ts";
import { createConfigMapWatches } from "./firmware/config-map-watches.ts";
import { createFirmwareResolver } from "./firmware/firmware-resolver.ts";
import { createInstanceChanges } from "./instance/instance-changes.ts";
import { createTellEvent } from "./instance/instance-events.ts";
import { createInstanceReconciler } from "./instance/instance-reconciler.ts";
import { createInstanceStatusWriter } from "./instance/instance-status-writer.ts";
import { createInstanceSteps } from "./instance/instance-steps.ts";
import { MadeObjects, openFarmCaches } from "./kubernetes/farm-caches.ts";
import type { Pod } from "./kubernetes/kinds.ts";
import type { MeasuredTerm } from "./operator-metrics.ts";
import { openAgentTrust } from "./trust/agent-trust.ts";
import { openFarmSecret } from "./trust/farm-secret.ts";

export interface TermDependencies {
  readonly config: OperatorConfig;
  readonly log: Log;
  readonly metrics: KubeMetrics;
  readonly addressOf?: AgentAddress;
  /** Told when the term serves, and (with undefined) when it ends. */
  readonly onServing: (term: MeasuredTerm | undefined) => void;
}

const WORKERS = 16;
const SECRET_BYTES = 32;

/** Leads until the term ends: everything that the operator does happens here. */
export async function leadTerm(leadership: Leadership, dependencies: TermDependencies): Promise<void> {
  const { client, epoch, signal } = leadership;
  const { config, log, metrics, onServing } = dependencies;
  const { namespace } = config;
  const clock = () => Date.now();
  await using open = new AsyncDisposableStack();
  const trust = await openAgentTrust({ client, namespace, secret: config.agentsSecret, clock });
  const random = () => randomBytes(SECRET_BYTES).toString("base64url");
  const make = async () => ({ token: random(), "redis-password": random() });
  const { token = "" } = await openFarmSecret({ client, namespace, name: config.apiSecret, make });
  const api = open.use(createFarmClient({ address: config.apiUrl, token }));

  const recorder = open.use(
    createEventRecorder({
      client,
      reportingController: "emufarm.dev/operator",
      reportingInstance: config.identity,
      log,
    }),
  );
  const tell = createTellEvent(recorder);
  const madePods = new MadeObjects<Pod>();
  const wake = (key: string) => queue.add(key);
  const { addressOf } = dependencies;
  const agents = open.use(
    createAgentWatches({ trust, log, lossMs: config.agentLossMs, ...(addressOf && { addressOf }) }),
  );
  const configMaps = open.use(createConfigMapWatches({ client, log, metrics, onChange: wake }));
  const importFirmware = api.importFirmware;
  const firmware = open.use(createFirmwareResolver({ importFirmware, configMaps, onChange: wake, clock }));
  // From here on nothing waits: what the caches tell finds its queue.
  const changes = createInstanceChanges({ wake, madePods, agents, caches: () => caches });
  const caches = open.use(openFarmCaches({ client, namespaces: config.watchNamespaces, log, metrics, changes }));
  const world = { caches, madePods, agents, firmware, agentImage: config.agent.image, wake };
  const reconcile = createInstanceReconciler({
    world,
    takeStep: createInstanceSteps({ client, trust, madePods, firmware, agent: config.agent, epoch, tell, clock }),
    writeStatus: createInstanceStatusWriter({ client, tell, nowMs: () => performance.now() }),
    trust,
    clock,
  });
  const queue = open.use(
    createWorkQueue({
      name: "emulatorinstance",
      // What is not known yet must not be taken for what is not there.
      reconcile: (key) => caches.synced.then(() => reconcile(key)),
      workers: WORKERS,
      log,
      metrics,
    }),
  );
  caches.synced.then(
    () => {
      log.info({ epoch, instances: caches.instances.list().length }, "leading");
      onServing({ caches, agents });
    },
    // The term has ended before.
    () => {},
  );
  open.defer(() => onServing(undefined));
  await ended(signal);
  log.info({ epoch }, "no longer leading");
}

function ended(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
