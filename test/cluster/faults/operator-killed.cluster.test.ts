import { afterAll, beforeAll, expect, test } from "vitest";
import type { DeathPoint } from "../../operator/killing-proxy.ts";
import { MortalOperator, type ProxiedServer } from "../../operator/mortal-operator.ts";
import { describeOnCluster } from "../cluster.ts";
import type { TestCluster } from "../test-cluster.ts";
import { isServing } from "./farm-sight.ts";
import { countingBoard, type FaultyFarm, inlineFirmware, useFaultyFarm } from "./faulty-farm.ts";

const TEST_MS = 500_000;
const API_PORT = 8_080;

/** Of the many that the tests on an API server alone have: here a kubelet makes the pods. */
const POINTS: readonly (DeathPoint & { readonly act: "create" | "change" })[] = [
  { act: "create", write: 1, phase: "before" },
  { act: "create", write: 1, phase: "after" },
  { act: "create", write: 2, phase: "after" },
  { act: "create", write: 4, phase: "before" },
  { act: "change", write: 1, phase: "before" },
  { act: "change", write: 1, phase: "after" },
];

describeOnCluster("a board whose operator is killed at a write", "disruptive", (cluster) => {
  // The operators are processes of this test, which policies would not let through to agents.
  const given = useFaultyFarm(cluster, ["networkPolicies.enabled=false"]);
  let operator: MortalOperator;

  beforeAll(async () => {
    const farm = given();
    const settings = await operatorSettings(farm);
    const server = await serverOf(cluster, farm);
    const { system } = farm.installed;
    await system.kubectl(["scale", "deployment/emufarm-operator", "--replicas=0"]);
    const gone = ["--for=delete", "pod", "-l", "app.kubernetes.io/component=operator", "--timeout=120s"];
    await system.kubectl(["wait", ...gone]);
    operator = await MortalOperator.behindProxy(server, settings);
  }, TEST_MS);
  afterAll(async () => {
    await operator?.[Symbol.asyncDispose]();
  });

  test.each(POINTS)(
    "$phase write $write of a $act is as if it had not been, and of a delete has none",
    { timeout: TEST_MS },
    async (point) => {
      const farm = given();
      const { sight, installed } = farm;
      const name = `${point.act}-${point.write}-${point.phase}`;
      const create = async () => farm.apply(name, { firmware: await inlineFirmware("metronome") });
      const isReady = () => sight.untilInstance(name, isServing);
      const dies = point.act === "create";
      expect(await operator.survive(dies ? point : undefined, create, isReady)).toBe(dies);
      const made = await countingBoard(farm, name);
      expect(sight.pods(name)).toHaveLength(1);
      await using uart = await made.openUart();
      await uart.hear(3);

      if (point.act === "change") {
        const { sha256 } = made.status.firmware ?? {};
        const isDead = await operator.survive(
          point,
          async () => farm.patch(name, { firmware: await inlineFirmware("ticker") }),
          () => sight.untilInstance(name, (seen) => isServing(seen) && seen.firmware?.sha256 !== sha256),
        );
        expect(isDead).toBe(true);
        expect(sight.pods(name).map(({ metadata }) => metadata.uid)).toEqual([made.pod.metadata.uid]);
      }

      await operator.survive(
        undefined,
        () => installed.boards.kubectl(["delete", `emu/${name}`, "--wait=false"]),
        () => sight.until(`the end of ${name}`, () => (isGone(farm, name) ? true : undefined)),
      );
      // The cluster takes away what belongs to the instance: there is nothing at which the operator could die.
      expect(operator.writes).toEqual([]);
      const left = ["get", "pods,services,secrets", "-o", "name"];
      await expect.poll(() => installed.boards.kubectl(left), { timeout: 60_000 }).not.toContain(`/${name}`);
      expect(sight.doubles).toEqual([]);
    },
  );
});

function isGone({ sight }: FaultyFarm, name: string): boolean {
  return sight.instance(name) === undefined && sight.pods(name).length === 0;
}

/** Those of the operator's own pods, as far as they are the same outside of one. */
async function operatorSettings({ installed, partPods }: FaultyFarm): Promise<Record<string, string>> {
  const deployment = JSON.parse(await installed.system.kubectl(["get", "deployment/emufarm-operator", "-o", "json"]));
  const [container] = deployment.spec.template.spec.containers as { env: { name: string; value?: string }[] }[];
  const [api] = await partPods("api");
  return {
    ...Object.fromEntries(
      container?.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])) ?? [],
    ),
    EMUFARM_OPERATOR_NAMESPACE: installed.system.name,
    EMUFARM_OPERATOR_IDENTITY: "outside",
    EMUFARM_OPERATOR_LISTEN: "tcp:127.0.0.1:0",
    EMUFARM_OPERATOR_ALLOWED_HOSTS: "127.0.0.1",
    EMUFARM_OPERATOR_API_URL: `http://${api?.status?.podIP}:${API_PORT}`,
  };
}

/** The API server, with the rights of the operator's service account. */
async function serverOf(cluster: TestCluster, { installed }: FaultyFarm): Promise<ProxiedServer> {
  const config = JSON.parse(await cluster.kubectl(["config", "view", "--raw", "-o", "json"]));
  const { server, "certificate-authority-data": authority } = config.clusters[0].cluster;
  const account = ["get", "deployment/emufarm-operator", "-o", "jsonpath={.spec.template.spec.serviceAccountName}"];
  const token = await installed.system.kubectl(["create", "token", await installed.system.kubectl(account)]);
  return { url: server, authority: Buffer.from(authority, "base64").toString(), token: token.trim() };
}
