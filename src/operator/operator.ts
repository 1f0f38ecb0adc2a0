import { randomBytes } from "node:crypto";
import packageFile from "../../package.json" with { type: "json" };
import type { ListenAddress } from "../http/listen-address.ts";
import { createMetrics } from "../http/process-metrics.ts";
import { createHttpServer } from "../http/server.ts";
import { createKubeClient } from "../kube/create-kube-client.ts";
import { createKubeMetrics } from "../kube/kube-metrics.ts";
import { runLeaderElection } from "../kube/leader-election.ts";
import type { Log } from "../log/log.ts";
import type { OperatorConfig } from "./config.ts";
import { leadTerm } from "./leading-term.ts";
import { addOperatorMetrics, type MeasuredTerm } from "./operator-metrics.ts";

export interface Operator extends AsyncDisposable {
  /** Where health and metrics are served. */
  readonly address: ListenAddress;
  /** True while this replica leads, and has read everything. */
  readonly isServing: boolean;
  /** Rejects with a failure that only a new process can heal. */
  readonly ended: Promise<void>;
}

export interface OperatorSurroundings {
  readonly election?: { readonly leaseMs: number; readonly renewMs: number; readonly retryMs: number };
}

/** The operator until it is disposed of: one of the replicas leads, the others stand by. */
export async function startOperator(
  config: OperatorConfig,
  log: Log,
  { election }: OperatorSurroundings = {},
): Promise<Operator> {
  await using starting = new AsyncDisposableStack();
  const registry = createMetrics();
  const metrics = createKubeMetrics(registry);
  const { kubeconfig, namespace, lease: name } = config;
  const source = kubeconfig === undefined ? { inCluster: true as const } : { kubeconfigFile: kubeconfig };
  const client = starting.use(
    createKubeClient({ source, metrics, userAgent: `emufarm-operator/${packageFile.version}` }),
  );
  let term: MeasuredTerm | undefined;
  addOperatorMetrics(registry, () => term);
  const server = starting.use(
    await createHttpServer({
      log,
      metrics: registry,
      // Only health and metrics are served, which need no token: there is none.
      trust: { token: randomBytes(32).toString("hex"), tokenFile: "no file", allowedHosts: config.allowedHosts },
    }),
  );
  const address = await server.listen(config.listen, "EMUFARM_OPERATOR_LISTEN");
  const closing = new AbortController();
  const ended = runLeaderElection({
    client,
    namespace,
    name,
    identity: `${config.identity}-${randomBytes(4).toString("hex")}`,
    ...election,
    signal: closing.signal,
    lead: (leadership) =>
      leadTerm(leadership, {
        config,
        log,
        metrics,
        onServing: (serving) => {
          term = serving;
        },
      }),
    log,
    metrics,
  });
  ended.catch(() => {});
  starting.defer(async () => {
    closing.abort();
    // Its failure is told by `ended`.
    await ended.catch(() => {});
  });
  log.info({ address, identity: config.identity }, "the operator is up");
  const resources = starting.move();
  return {
    address,
    get isServing() {
      return term !== undefined;
    },
    ended,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
