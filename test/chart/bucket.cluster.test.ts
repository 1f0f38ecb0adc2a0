import { afterAll, beforeAll, expect, test } from "vitest";
import { addressOf } from "../../scripts/cluster/settings.ts";
import { objectsIn } from "../api/store/bucket-farm.ts";
import { noS3Server, type S3Server, startS3Server } from "../api/store/s3-server.ts";
import { CliPlace, image } from "../cli/cli-place.ts";
import { describeOnCluster } from "../cluster/cluster.ts";
import type { TestNamespace } from "../cluster/test-cluster.ts";
import { type InstalledFarm, installFarm, rolledOut } from "./installed-farm.ts";

const INSTALL_MS = 900_000;
const TEST_MS = 300_000;
const WAIT = "--timeout=120s";
const PREFIX = "farms/one/";
/** Program that prints the files of the volume that hold more than a note of what is elsewhere. */
const LIST_LARGE = `
  const { readdirSync, statSync } = require("node:fs");
  const isLarge = (path) => statSync(path).isFile() && statSync(path).size > 1000;
  console.log(readdirSync("/data", { recursive: true }).map((name) => "/data/" + name).filter(isLarge).join("\\n"));`;
const missing = noS3Server();

describeOnCluster("a farm by the chart whose store has a bucket", "disruptive", (cluster) => {
  const place = new CliPlace();
  let server: S3Server;
  let farm: InstalledFarm;

  beforeAll(async () => {
    if (missing !== undefined || cluster.own === undefined) return;
    server = await startS3Server({ isTls: true, host: addressOf(cluster.own, "host") });
    const { endpoint, bucket, region } = server.settings;
    const s3 = { endpoint, bucket, region, prefix: PREFIX, existingSecret: "bucket", caSecret: "bucket-ca" };
    const values = Object.entries(s3).map(([name, value]) => `api.store.s3.${name}=${value}`);
    const prepare = (system: TestNamespace) => makeSecrets(system, server);
    farm = await installFarm(cluster, ["api.store.type=persistent", ...values], { prepare });
    const pool = { apiVersion: "emufarm.dev/v1alpha1", kind: "EmulatorPool", metadata: { name: "default" } };
    await farm.boards.kubectl(["apply", "-f", "-"], JSON.stringify({ ...pool, spec: { replicas: 1, slotsPerPod: 1 } }));
    await farm.boards.kubectl(["wait", "--for=condition=Ready", "emupool/default", WAIT]);
  }, INSTALL_MS);
  afterAll(async () => {
    place[Symbol.dispose]();
    await farm?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  }, TEST_MS);

  const run = () => {
    const args = ["run", "mps2-an385", image("mps2-an385", "hello"), "--expect-text", "boot ok"];
    return place.run([...args, "-n", farm.system.name], { env: { KUBECONFIG: cluster.kubeconfig } });
  };
  const firmware = () => objectsIn(server.folder, `${PREFIX}firmware/`);

  test.skipIf(missing)("has its firmware there, and nowhere else", { timeout: TEST_MS }, async () => {
    const first = await run();
    expect(first.code, first.stderr).toBe(0);
    await expect.poll(firmware, { timeout: 60_000 }).toHaveLength(1);
    const inPod = ["exec", "deployment/emufarm-api", "-c", "api", "--", "node", "-e", LIST_LARGE];
    expect((await farm.system.kubectl(inPod)).split("\n").filter((path) => path.includes("firmware/"))).toEqual([]);
  });

  test.skipIf(missing)("gives it to agents and to an API that have never seen it", { timeout: TEST_MS }, async () => {
    await farm.system.kubectl(["rollout", "restart", "deployment/emufarm-api"]);
    await farm.boards.kubectl(["delete", "pods", "--all", WAIT]);
    await rolledOut(farm.system);
    await farm.boards.kubectl(["wait", "--for=condition=Ready", "emupool/default", WAIT]);
    const again = await run();
    expect(again.code, again.stderr).toBe(0);
    expect(await firmware()).toHaveLength(1);
  });
});

/** The login for the bucket, and who says that its server is the one. */
async function makeSecrets(system: TestNamespace, { settings }: S3Server): Promise<void> {
  const secret = (name: string, stringData: object) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name },
    stringData,
  });
  const login = { "access-key-id": settings.accessKeyId, "secret-access-key": settings.secretAccessKey };
  const items = [secret("bucket", login), secret("bucket-ca", { "ca.crt": settings.ca })];
  await system.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
}
