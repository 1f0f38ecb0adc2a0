import { randomBytes } from "node:crypto";
import { createFarmClient } from "../client/farm-client.ts";
import { createQueueClient } from "../client/queue-client.ts";
import { createEventRecorder } from "../kube/event-recorder.ts";
import type { KubeMetrics } from "../kube/kube-metrics.ts";
import type { Leadership } from "../kube/leader-election.ts";
import type { Log } from "../log/log.ts";
import { createAgentWatches } from "./agent/agent-watches.ts";
import type { OperatorConfig } from "./config.ts";
import { openControllers } from "./controllers.ts";
import type { MeasuredTerm } from "./operator-metrics.ts";
import { openQueueWatch } from "./pool/queue-watch.ts";
import { createTellEvent } from "./tell-event.ts";
import { openAgentTrust } from "./trust/agent-trust.ts";
import { trustRules } from "./trust/farm-keys.ts";
import { changeFarmSecret } from "./trust/farm-secret.ts";
import { keepTrust } from "./trust/trust-keeper.ts";

export interface TermDependencies {
  readonly config: OperatorConfig;
  readonly log: Log;
  readonly metrics: KubeMetrics;
  /** Told when the term serves, and (with undefined) when it ends. */
  readonly onServing: (term: MeasuredTerm | undefined) => void;
}

const SECRET_BYTES = 32;

/** Leads until the term ends: everything that the operator does happens here. */
export async function leadTerm(leadership: Leadership, dependencies: TermDependencies): Promise<void> {
  const { client, epoch, signal, over } = leadership;
  const { config, log, metrics, onServing } = dependencies;
  const { namespace } = config;
  const clock = () => Date.now();
  await using open = new AsyncDisposableStack();
  const rules = trustRules(config.trust);
  const { agentsSecret: secret, inNamespaces } = config;
  const trust = await openAgentTrust({ client, namespace, secret, rules, inNamespaces, clock });
  const random = () => randomBytes(SECRET_BYTES).toString("base64url");
  const { token = "" } = await changeFarmSecret({
    client,
    namespace,
    name: config.apiSecret,
    // Made once: what is there stays.
    change: async (texts) => ("token" in texts ? texts : { ...texts, token: random(), "redis-password": random() }),
  });
  const api = open.use(createFarmClient({ address: config.apiUrl, token }));
  const recorder = open.use(
    createEventRecorder({
      client,
      reportingController: "emufarm.dev/operator",
      reportingInstance: config.identity,
      log,
    }),
  );
  const agents = open.use(createAgentWatches({ trust, clock, log, lossMs: config.agentLossMs }));
  const { caches } = open.use(
    openControllers({
      client,
      epoch,
      over,
      config,
      trust,
      agents,
      importFirmware: api.importFirmware,
      queue: open.use(openQueueWatch({ client: createQueueClient({ address: config.apiUrl, token }), log })),
      tell: createTellEvent(recorder),
      clock,
      log,
      metrics,
    }),
  );
  caches.synced.then(
    () => {
      if (signal.aborted) return;
      const namespaces = () => caches.pods.list().map(({ metadata }) => metadata.namespace ?? "");
      open.use(keepTrust({ trust, namespaces, clock, log }));
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
