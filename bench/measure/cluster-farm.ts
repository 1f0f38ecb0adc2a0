import { createHash } from "node:crypto";
import { connect } from "node:net";
import { Registry } from "prom-client";
import { bringUp, isUp, takeDown } from "../../scripts/cluster/cluster.ts";
import { clusterFromNumber } from "../../scripts/cluster/settings.ts";
import { ownCacheFolder } from "../../scripts/setup/folders.mjs";
import { createKubeClient } from "../../src/kube/create-kube-client.ts";
import type { KubeClient } from "../../src/kube/kube-client.ts";
import { createKubeMetrics } from "../../src/kube/kube-metrics.ts";
import type { KubeObject, Resource } from "../../src/kube/kube-object.ts";
import { createReflector, type Reflector } from "../../src/kube/reflector.ts";
import { createLog } from "../../src/log/log.ts";
import {
  type FarmObject,
  INSTANCES,
  PODS,
  type Pod,
  SERVICES,
  type Service,
} from "../../src/operator/kubernetes/kinds.ts";
import { type InstalledFarm, installFarm } from "../../test/chart/installed-farm.ts";
import { testCluster } from "../../test/cluster/test-cluster.ts";
import { BENCH_BOARD } from "./bare-qemu.ts";

const UART_PORT = 5_000;
const DEADLINE_MS = 180_000;
/** Between two tries to connect; both sides are tried in the same way. */
const TRY_AGAIN_MS = 5;

/** A farm on the project's own cluster, and what is there without one: pods that run QEMU. */
export interface ClusterFarm extends AsyncDisposable {
  readonly installed: InstalledFarm;
  /** Makes an instance of the image that says something at once. */
  createInstance(name: string, image: Buffer): Promise<void>;
  patchFirmware(name: string, image: Buffer): Promise<void>;
  /** A pod of the agent's image, with its requests and limits, that runs the image in QEMU, its UART at a Service. */
  createBare(name: string, image: Buffer): Promise<void>;
  untilReady(kind: "instance" | "pod", names: readonly string[]): Promise<void>;
  /** Settles when a byte has come from the UART at the Service of this name; the connection stays open. */
  firstByte(name: string): Promise<UartBytes>;
  delete(kind: "instance" | "bare", name: string): Promise<void>;
}

/** A connection on which bytes have come. */
export interface UartBytes extends Disposable {
  /** Settles when one more byte comes. */
  next(): Promise<void>;
}

export async function clusterFarm(): Promise<ClusterFarm> {
  await using opening = new AsyncDisposableStack();
  const settings = clusterFromNumber(ownCacheFolder(), process.env);
  if (!isUp(settings)) opening.defer(() => takeDown(settings));
  await bringUp(settings);
  const installed = opening.use(await installFarm(testCluster(settings.kubeconfig, settings)));
  const metrics = createKubeMetrics(new Registry());
  const source = { kubeconfigFile: settings.kubeconfig };
  const client = opening.use(createKubeClient({ source, metrics, userAgent: "emufarm-bench" }));
  const namespace = installed.boards.name;
  const changed = new Changes();
  const see = <Kind extends KubeObject>(resource: Resource<Kind>): Reflector<Kind> =>
    opening.use(
      createReflector({
        client,
        resource,
        namespace,
        onChange: () => changed.tell(),
        log: createLog({ name: "bench", level: "silent" }),
        metrics,
      }),
    );
  const [pods, services, instances] = [see(PODS), see(SERVICES), see(INSTANCES)];
  await Promise.all([pods.synced, services.synced, instances.synced]);
  const template = await agentContainer(client, namespace, changed, pods);
  const kept = opening.move();
  const isReady = { instance: (name: string) => isTrue(instances, name), pod: (name: string) => isTrue(pods, name) };
  return {
    installed,
    async createInstance(name, image) {
      await client.create(INSTANCES, instanceOf(namespace, name, image));
    },
    async patchFirmware(name, image) {
      await client.patch(INSTANCES, name, namespace, { spec: { firmware: firmwareOf(image) } });
    },
    async createBare(name, image) {
      await client.create(SERVICES, bareService(namespace, name));
      await client.create(PODS, barePod(namespace, name, template, image.toString("base64")));
    },
    untilReady: (kind, names) => changed.until(`${names.length} ready`, () => names.every(isReady[kind])),
    async firstByte(name) {
      const address = () => services.get(`${namespace}/${name}`)?.spec?.clusterIP;
      await changed.until(`the Service ${name}`, () => address() !== undefined);
      return await firstByteFrom(address() ?? "");
    },
    async delete(kind, name) {
      if (kind === "instance") await client.delete(INSTANCES, name, namespace);
      else {
        await client.delete(SERVICES, name, namespace);
        await client.delete(PODS, name, namespace, { gracePeriodSeconds: 0 });
      }
      const label = kind === "instance" ? "emufarm.dev/instance" : "bench";
      const isLeft = ({ metadata: { labels } }: KubeObject) => labels?.[label] === name;
      await changed.until(`${name} gone`, () => !pods.list().some(isLeft) && !services.get(`${namespace}/${name}`));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function isTrue(objects: Reflector<FarmObject> | Reflector<Pod>, name: string): boolean {
  const { status } = objects.list().find(({ metadata }) => metadata.name === name) ?? {};
  const { conditions = [] } = (status ?? {}) as { conditions?: readonly { type: string; status: string }[] };
  return conditions.some((one) => one.type === "Ready" && one.status === "True");
}

/** What the operator gives an agent: image, requests, limits and what it may not do. */
async function agentContainer(
  client: KubeClient,
  namespace: string,
  changed: Changes,
  pods: Reflector<Pod>,
): Promise<Container> {
  const metadata = { name: "pattern", namespace };
  const spec = { board: BENCH_BOARD };
  await client.create(INSTANCES, { ...objectOf("EmulatorInstance"), metadata, spec });
  await changed.until("a first pod", () => pods.list().length > 0);
  const [pod] = pods.list();
  await client.delete(INSTANCES, metadata.name, namespace);
  await changed.until("that pod gone", () => pods.list().length === 0);
  const [container] = (pod?.spec?.containers ?? []) as Container[];
  if (!container) throw new Error("an agent's pod has no container");
  const { image, imagePullPolicy, resources, securityContext } = container;
  return { image, imagePullPolicy, resources, securityContext, pod: pod?.spec?.securityContext };
}

interface Container {
  readonly image: string;
  readonly imagePullPolicy: unknown;
  readonly resources: unknown;
  readonly securityContext: unknown;
  readonly pod: unknown;
}

function objectOf(kind: string) {
  return { apiVersion: "emufarm.dev/v1alpha1", kind };
}

function firmwareOf(image: Buffer): object {
  return { inline: image.toString("base64"), sha256: createHash("sha256").update(image).digest("hex") };
}

function instanceOf(namespace: string, name: string, image: Buffer): FarmObject {
  const firmware = firmwareOf(image);
  const channels = [{ name: "uart0", tcp: true }];
  return {
    ...objectOf("EmulatorInstance"),
    metadata: { name, namespace },
    spec: { board: BENCH_BOARD, firmware, channels },
  };
}

function bareService(namespace: string, name: string): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: {
      selector: { bench: name },
      publishNotReadyAddresses: true,
      ports: [{ name: "uart0", port: UART_PORT, targetPort: UART_PORT, protocol: "TCP" }],
    },
  };
}

/** The image comes by the environment: nothing has to be mounted. Node becomes QEMU's parent for want of a shell. */
function barePod(namespace: string, name: string, container: Container, image: string): Pod {
  const serial = `tcp:0.0.0.0:${UART_PORT},server=on,wait=on`;
  const qemu = ["-nodefaults", "-display", "none", "-machine", BENCH_BOARD, "-kernel", "/tmp/image", "-serial", serial];
  const script = `require("fs").writeFileSync("/tmp/image", Buffer.from(process.env.IMAGE, "base64"));
process.execve("/usr/bin/qemu-system-arm", ["qemu-system-arm", ...${JSON.stringify(qemu)}], {});`;
  const { pod, ...rest } = container;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { bench: name } },
    spec: {
      automountServiceAccountToken: false,
      securityContext: pod,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          ...rest,
          name: "qemu",
          command: ["/usr/bin/node", "-e", script],
          env: [{ name: "IMAGE", value: image }],
          volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
        },
      ],
      volumes: [{ name: "tmp", emptyDir: {} }],
    },
  };
}

async function firstByteFrom(host: string): Promise<UartBytes> {
  const deadline = performance.now() + DEADLINE_MS;
  while (performance.now() < deadline) {
    const bytes = await tryFirstByte(host);
    if (bytes) return bytes;
    await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
  }
  throw new Error(`no byte came from ${host}`);
}

/** Undefined where the connection was refused, or ended without a byte. */
function tryFirstByte(host: string): Promise<UartBytes | undefined> {
  const { promise, resolve } = Promise.withResolvers<UartBytes | undefined>();
  const socket = connect({ host, port: UART_PORT });
  let came = () => {};
  socket.on("error", () => {});
  socket.on("close", () => resolve(undefined));
  socket.setTimeout(1_000, () => {
    if (socket.connecting) socket.destroy();
  });
  socket.on("data", () => {
    resolve({
      next: () => new Promise((told) => (came = told)),
      [Symbol.dispose]: () => void socket.destroy(),
    });
    came();
  });
  return promise;
}

/** What is waited for is looked at when something has changed. */
class Changes {
  readonly #waiting = new Set<() => void>();

  tell(): void {
    for (const look of [...this.#waiting]) look();
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (isSo()) resolve();
    };
    const timer = setTimeout(() => reject(new Error(`waited too long for ${what}`)), DEADLINE_MS);
    this.#waiting.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }
}
