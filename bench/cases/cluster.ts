import { readFile } from "node:fs/promises";
import { createFarmClient } from "../../src/client/farm-client.ts";
import { type BenchCase, type Figure, figure } from "../case.ts";
import { BENCH_BOARD } from "../measure/bare-qemu.ts";
import { type ClusterFarm, clusterFarm } from "../measure/cluster-farm.ts";
import { runSeconds, startBenchFarm } from "../measure/farm.ts";
import { exampleImage } from "../measure/image.ts";
import { median } from "../measure/statistics.ts";

const PAIRS = 20;
const BURST = 30;
const CHANGES = 20;
const JOBS = 500;
const ROUNDS = 3;
const SLOTS = 4;

/** On the project's own cluster: boards against bare pods, firmware in place, jobs through a pool. */
export const cluster: BenchCase = {
  name: "cluster",
  title: "boards on the project's own cluster of three nodes (npm run cluster)",
  async run(say) {
    await using farm = await clusterFarm();
    const { figures, bareMs } = await create(farm, say);
    return [...figures, ...(await change(farm, bareMs, say)), ...(await burst(farm, say)), ...(await jobs(farm, say))];
  },
};

async function create(farm: ClusterFarm, say: (text: string) => void): Promise<{ figures: Figure[]; bareMs: number }> {
  const image = await readFile(exampleImage("shell"));
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let pair = 0; pair < PAIRS; pair++) {
    ours.push(await msToFirstByte(farm, "instance", `ours-${pair}`, image));
    bare.push(await msToFirstByte(farm, "bare", `bare-${pair}`, image));
  }
  const bareMs = median(bare);
  say(`create to first byte: ${median(ours).toFixed(0)} ms, bare pod ${bareMs.toFixed(0)} ms`);
  const against = `bare pod running QEMU (${bareMs.toFixed(0)} ms), p50 of ${PAIRS} pairs`;
  return { figures: [figure("cluster-create", median(ours) / bareMs, "ratio", against, "<=", 1.2)], bareMs };
}

async function msToFirstByte(farm: ClusterFarm, kind: "instance" | "bare", name: string, image: Buffer) {
  const started = performance.now();
  await (kind === "instance" ? farm.createInstance(name, image) : farm.createBare(name, image));
  using _uart = await farm.firstByte(name);
  const ms = performance.now() - started;
  await farm.delete(kind, name);
  return ms;
}

async function change(farm: ClusterFarm, bareMs: number, say: (text: string) => void): Promise<Figure[]> {
  const image = await readFile(exampleImage("shell"));
  // What follows an ELF's last part is not loaded: other bytes, the same firmware.
  const images = [Buffer.concat([image, Buffer.alloc(1)]), image] as const;
  await farm.createInstance("changing", images[1]);
  using uart = await farm.firstByte("changing");
  await farm.untilReady("instance", ["changing"]);
  const samples: number[] = [];
  for (let round = 0; round < CHANGES; round++) {
    const next = uart.next();
    const started = performance.now();
    await farm.patchFirmware("changing", images[round % 2 === 0 ? 0 : 1]);
    await next;
    samples.push(performance.now() - started);
    await farm.untilReady("instance", ["changing"]);
  }
  await farm.delete("instance", "changing");
  const ms = median(samples);
  say(`firmware in place: ${ms.toFixed(0)} ms`);
  const against = `another pod (${bareMs.toFixed(0)} ms)`;
  return [
    figure("cluster-firmware", ms / bareMs, "ratio", against, "<=", 0.1),
    figure("cluster-firmware-ms", ms, "ms", "patch to first new byte, p50", "<=", 150),
  ];
}

async function burst(farm: ClusterFarm, say: (text: string) => void): Promise<Figure[]> {
  const image = await readFile(exampleImage("shell"));
  const seconds = async (kind: "instance" | "bare") => {
    const names = Array.from({ length: BURST }, (_, index) => `${kind}-burst-${index}`);
    const started = performance.now();
    await Promise.all(
      names.map((name) => (kind === "instance" ? farm.createInstance(name, image) : farm.createBare(name, image))),
    );
    await farm.untilReady(kind === "instance" ? "instance" : "pod", names);
    const took = (performance.now() - started) / 1_000;
    await Promise.all(names.map((name) => farm.delete(kind, name)));
    return took;
  };
  const bare = await seconds("bare");
  const ours = await seconds("instance");
  say(`${BURST} at once: ${ours.toFixed(1)} s, bare pods ${bare.toFixed(1)} s`);
  return [figure("cluster-burst", ours / bare, "ratio", `${BURST} bare pods (${bare.toFixed(1)} s)`, "<=", 1.2)];
}

/** The control plane runs in both; the slots of the machine share its cores with it, as those of the pod do. */
async function jobs({ installed }: ClusterFarm, say: (text: string) => void): Promise<Figure[]> {
  const { boards, system } = installed;
  const pool = {
    apiVersion: "emufarm.dev/v1alpha1",
    kind: "EmulatorPool",
    metadata: { name: "default" },
    spec: { boards: [BENCH_BOARD], replicas: 1, slotsPerPod: SLOTS },
  };
  await boards.kubectl(["apply", "-f", "-"], JSON.stringify(pool));
  await boards.kubectl(["wait", "--for=condition=Ready", "emupool/default", "--timeout=180s"]);
  const api = ["get", "pods", "-l", "app.kubernetes.io/component=api", "-o", "jsonpath={.items[0].status.podIP}"];
  const token = await system.kubectl(["get", "secret/emufarm-api", "-o", "jsonpath={.data.token}"]);
  await using client = createFarmClient({
    address: `http://${await system.kubectl(api)}:8080`,
    token: Buffer.from(token, "base64").toString(),
  });
  await using here = await startBenchFarm({ slots: SLOTS });
  const image = exampleImage("hello");
  const ratios: number[] = [];
  const rates: number[] = [];
  await runSeconds({ client }, image, BENCH_BOARD, 50);
  await runSeconds(here, image, BENCH_BOARD, 50);
  for (let round = 0; round < ROUNDS; round++) {
    const onMachine = JOBS / (await runSeconds(here, image, BENCH_BOARD, JOBS));
    const onCluster = JOBS / (await runSeconds({ client }, image, BENCH_BOARD, JOBS));
    say(`round ${round + 1}: ${onCluster.toFixed(1)} jobs/s, on the machine ${onMachine.toFixed(1)} jobs/s`);
    ratios.push(onCluster / onMachine);
    rates.push(onMachine);
  }
  const against = `the same slots without the cluster (${median(rates).toFixed(1)} jobs/s)`;
  return [figure("cluster-jobs", median(ratios), "ratio", against, ">=", 0.9)];
}
