import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Registry } from "prom-client";
import { startApi } from "../../src/api/api-process.ts";
import { readConfig as readApiConfig } from "../../src/api/config.ts";
import { createFarmClient, type FarmClient } from "../../src/client/farm-client.ts";
import type { EmulatorInstanceStatus } from "../../src/core/schema/emulator-instance-status.ts";
import { createKubeClient } from "../../src/kube/create-kube-client.ts";
import type { KubeClient } from "../../src/kube/kube-client.ts";
import { createKubeMetrics } from "../../src/kube/kube-metrics.ts";
import { createReflector, type Reflector } from "../../src/kube/reflector.ts";
import { createLog, type Log } from "../../src/log/log.ts";
import { readConfig } from "../../src/operator/config.ts";
import { type FarmObject, INSTANCES, PODS, type Pod, SECRETS } from "../../src/operator/kubernetes/kinds.ts";
import { INSTANCE_LABEL } from "../../src/operator/kubernetes/labels.ts";
import { type Operator, startOperator } from "../../src/operator/operator.ts";
import { startRedis } from "../api/queue/redis-fixture.ts";
import { createTemporaryFolder } from "../api/store/temporary-folder.ts";
import { type ControlPlane, startControlPlane } from "../cluster/control-plane.ts";
import { freePort } from "../free-port.ts";
import { StandInKubelet } from "./stand-in-kubelet.ts";

const API_TOKEN = "a-token-of-the-test";
/** Short, so that a new leader is there soon. */
const ELECTION = { leaseMs: 3_000, renewMs: 2_000, retryMs: 250 };
const log = createLog({ name: "test", level: process.env.EMUFARM_TEST_LOG === "1" ? "debug" : "silent" });

/** An API server with the farm's kinds, the farm's API, an operator, and agents that pods stand for. */
export interface OperatorLab extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly farm: FarmClient;
  readonly kubelet: StandInKubelet;
  operator: Operator | undefined;
  readonly operatorSettings: Readonly<Record<string, string>>;
  /** @param settings that it shall have beside those of the lab */
  startOperator(settings?: Readonly<Record<string, string>>): Promise<Operator>;
  apply(manifest: object): Promise<void>;
  /** The instance, once its status fits. */
  untilInstance(
    name: string,
    fits: (status: EmulatorInstanceStatus, object: FarmObject) => boolean,
    namespace?: string,
  ): Promise<FarmObject>;
  instance(name: string): FarmObject | undefined;
  podsOf(name: string): Promise<Pod[]>;
}

/** What a cluster does beside the API server that tests of the operator rely on. */
const CONTROLLERS = [
  "garbage-collector-controller",
  "namespace-controller",
  "persistentvolumeclaim-protection-controller",
];

export interface OperatorLabOptions {
  /** False: the test starts its own. */
  readonly withOperator?: boolean;
  /** Of kube-controller-manager. */
  readonly controllers?: readonly string[];
  /** Further settings of the farm's API. */
  readonly apiSettings?: Readonly<Record<string, string>>;
  readonly operatorLog?: Log;
}

export async function startOperatorLab(options: OperatorLabOptions = {}): Promise<OperatorLab> {
  const { withOperator = true, controllers = CONTROLLERS, apiSettings = {}, operatorLog = log } = options;
  await using starting = new AsyncDisposableStack();
  const plane = starting.use(await startControlPlane({ hasDefinitions: true, controllers }));
  const metrics = createKubeMetrics(new Registry());
  const client = starting.use(
    createKubeClient({ source: { kubeconfigFile: plane.kubeconfig }, metrics, userAgent: "emufarm-test" }),
  );
  await client.create(SECRETS, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "emufarm-api", namespace: "default" },
    data: { token: Buffer.from(API_TOKEN).toString("base64") },
  });
  const { url, farm } = await startFarmApi(starting, apiSettings);
  const kubelet = starting.use(new StandInKubelet(client));
  const changes = new Set<() => void>();
  const tellAll = () => {
    for (const tell of [...changes]) tell();
  };
  const instances: Reflector<FarmObject> = starting.use(
    createReflector({ client, resource: INSTANCES, onChange: tellAll, log, metrics }),
  );
  await instances.synced;
  const start = (settings: Readonly<Record<string, string>> = {}) =>
    startOperator(readConfig({ ...settingsOf(plane, url), ...settings }), operatorLog, { election: ELECTION });
  const resources = starting.move();
  const lab: OperatorLab = {
    plane,
    client,
    farm,
    kubelet,
    operator: withOperator ? await start() : undefined,
    operatorSettings: settingsOf(plane, url),
    startOperator: start,
    async apply(manifest) {
      // In the control plane's own folder: gone with it.
      const file = join(dirname(plane.kubeconfig), `manifest-${performance.now()}.json`);
      await writeFile(file, JSON.stringify(manifest));
      await plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", file);
    },
    instance: (name) => instances.get(`default/${name}`),
    async untilInstance(name, fits, namespace = "default") {
      for (;;) {
        const { promise, resolve } = Promise.withResolvers<void>();
        changes.add(resolve);
        const object = instances.get(`${namespace}/${name}`);
        if (object?.status && fits(object.status, object)) {
          changes.delete(resolve);
          return object;
        }
        await promise;
        changes.delete(resolve);
      }
    },
    podsOf: async (name) => (await client.list(PODS, { labelSelector: `${INSTANCE_LABEL}=${name}` })).items,
    async [Symbol.asyncDispose]() {
      await lab.operator?.[Symbol.asyncDispose]();
      await resources.disposeAsync();
    },
  };
  return lab;
}

function settingsOf(plane: ControlPlane, apiUrl: string): Record<string, string> {
  return {
    EMUFARM_OPERATOR_KUBECONFIG: plane.kubeconfig,
    EMUFARM_OPERATOR_NAMESPACE: "default",
    EMUFARM_OPERATOR_IDENTITY: "operator",
    EMUFARM_OPERATOR_LISTEN: "tcp:127.0.0.1:0",
    EMUFARM_OPERATOR_AGENT_IMAGE: "emufarm-agent:test",
    EMUFARM_OPERATOR_API_URL: apiUrl,
    EMUFARM_OPERATOR_AGENT_LOSS_MS: "2000",
  };
}

async function startFarmApi(
  cleanup: AsyncDisposableStack,
  settings: Readonly<Record<string, string>>,
): Promise<{ url: string; farm: FarmClient }> {
  const folder = cleanup.use(await createTemporaryFolder());
  const redis = cleanup.use(await startRedis());
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const tokenFile = join(folder.path, "token");
  await writeFile(tokenFile, API_TOKEN);
  cleanup.use(
    await startApi(
      readApiConfig({
        EMUFARM_ROLE: "api",
        EMUFARM_LISTEN: `tcp:127.0.0.1:${port}`,
        EMUFARM_TOKEN_FILE: tokenFile,
        EMUFARM_DATA: folder.path,
        EMUFARM_REDIS: redis.address,
        EMUFARM_PUBLIC_URL: url,
        EMUFARM_IMPORT_ALLOW: "127.0.0.1",
        ...settings,
      }),
      log,
    ),
  );
  return { url, farm: cleanup.use(createFarmClient({ address: url, token: API_TOKEN })) };
}
