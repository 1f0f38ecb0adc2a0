import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { ClusterSettings } from "../../../scripts/cluster/settings.ts";
import type { EmulatorInstanceStatus } from "../../../src/core/schema/emulator-instance-status.ts";
import { PODS, type Pod, SERVICES } from "../../../src/operator/kubernetes/kinds.ts";
import { type InstalledFarm, installFarm } from "../../chart/installed-farm.ts";
import { buildFirmware } from "../../firmware/build.ts";
import type { TestCluster } from "../test-cluster.ts";
import { CountingUart } from "./counting-uart.ts";
import { FarmSight, isServing } from "./farm-sight.ts";

/** Images are built, loaded into three nodes, and the farm is rolled out. */
const INSTALL_MS = 900_000;
const UNINSTALL_MS = 300_000;

/** What kubectl shall say of what it has written. */
const VERSION = ["-o", "jsonpath={.metadata.uid} {.metadata.generation}"];

/** An installed farm to which things happen. */
export interface FaultyFarm {
  readonly own: ClusterSettings;
  readonly installed: InstalledFarm;
  readonly sight: FarmSight;
  /** Makes an instance of a board whose firmware counts aloud; settles when it is ready. */
  startCounting(name: string, spec?: object): Promise<CountingBoard>;
  /** Applies an instance, its other fields as they are by default. */
  apply(name: string, spec: object): Promise<void>;
  patch(name: string, spec: object): Promise<void>;
  /** The present pods of a part of the farm itself. */
  partPods(component: "operator" | "api" | "redis"): Promise<readonly Pod[]>;
}

export interface CountingBoard {
  readonly name: string;
  /** Of its Service. */
  readonly address: string;
  readonly status: EmulatorInstanceStatus;
  readonly pod: Pod;
  openUart(): Promise<CountingUart>;
}

/** A farm for all tests of a file. What it gives is to be asked for within tests. */
export function useFaultyFarm(cluster: TestCluster, values: readonly string[] = []): () => FaultyFarm {
  let farm: FaultyFarm | undefined;
  const open = new AsyncDisposableStack();
  beforeAll(async () => {
    const { own } = cluster;
    if (own === undefined) throw new Error("a cluster of our own is needed");
    const installed = open.use(await installFarm(cluster, values));
    const sight = open.use(await FarmSight.open(cluster, installed.boards));
    farm = faultyFarm(own, installed, sight);
  }, INSTALL_MS);
  afterAll(() => open.disposeAsync(), UNINSTALL_MS);
  return () => {
    if (!farm) throw new Error("the farm is not installed");
    return farm;
  };
}

/** Firmware that the tests build, as an instance takes it. */
export async function inlineFirmware(app: string): Promise<{ readonly inline: string }> {
  return { inline: await readFile(join(await buildFirmware(), `mps2-an385/${app}.elf`), "base64") };
}

function faultyFarm(own: ClusterSettings, installed: InstalledFarm, sight: FarmSight): FaultyFarm {
  const { boards, system } = installed;
  /** Until the watch has brought what was written: what it shows before that is about an earlier spec. */
  const seen = async (name: string, version: string) => {
    const [uid, generation] = version.split(" ");
    await sight.until(`${name} as it was written`, () => {
      const metadata = sight.instance(name)?.metadata;
      return metadata?.uid === uid && (metadata?.generation ?? 0) >= Number(generation) ? metadata : undefined;
    });
  };
  const farm: FaultyFarm = {
    own,
    installed,
    sight,
    async apply(name, spec) {
      const object = {
        apiVersion: "emufarm.dev/v1alpha1",
        kind: "EmulatorInstance",
        metadata: { name },
        spec: { board: "mps2-an385", channels: [{ name: "uart0", tcp: true }], ...spec },
      };
      await seen(name, await boards.kubectl(["apply", "--server-side", "-f", "-", ...VERSION], JSON.stringify(object)));
    },
    async patch(name, spec) {
      const patch = JSON.stringify({ spec });
      await seen(name, await boards.kubectl(["patch", `emu/${name}`, "--type=merge", "-p", patch, ...VERSION]));
    },
    async partPods(component) {
      const labelSelector = `app.kubernetes.io/part-of=emufarm,app.kubernetes.io/component=${component}`;
      return (await sight.client.list(PODS, { namespace: system.name, labelSelector })).items;
    },
    async startCounting(name, spec = {}) {
      await farm.apply(name, { firmware: await inlineFirmware("metronome"), ...spec });
      return await countingBoard(farm, name);
    },
  };
  return farm;
}

/** The board as it is when it serves. */
export async function countingBoard(farm: FaultyFarm, name: string): Promise<CountingBoard> {
  const { sight, installed } = farm;
  const { status } = await sight.untilInstance(name, isServing);
  const pod = await sight.until(`the pod of ${name}`, () =>
    sight.pods(name).find(({ metadata }) => metadata.name === status?.podName),
  );
  const service = await sight.client.get(SERVICES, name, installed.boards.name);
  const address = service?.spec?.clusterIP ?? "";
  return { name, address, status: status ?? {}, pod, openUart: () => CountingUart.open(address) };
}
