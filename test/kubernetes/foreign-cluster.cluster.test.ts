import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectFolder } from "../../scripts/setup/folders.mjs";
import { applyDefinitions } from "../chart/installed-farm.ts";
import { describeOnCluster } from "../cluster/cluster.ts";
import type { TestNamespace } from "../cluster/test-cluster.ts";

const INSTALL = readFileSync(join(projectFolder, "manifests/install.yaml"), "utf8");
const EXAMPLES = join(projectFolder, "manifests/examples");
/** Nothing is written: the API server only says what it would do. */
const DRY_RUN = ["apply", "--server-side", "--force-conflicts", "--dry-run=server"];

/** The namespace is there already, and anything else in it stays as it is. */
const objectsFor = (namespace: string) =>
  INSTALL.split(/^---$/m)
    .filter((text) => !/^kind: Namespace$/m.test(text))
    .join("---")
    .replaceAll("emufarm-system", namespace);

describeOnCluster("any cluster", "safe", (cluster) => {
  let place: TestNamespace;

  beforeAll(async () => {
    place = await cluster.makeNamespace("emufarm-dry-run");
    await place.kubectl(["label", "namespace", place.name, "pod-security.kubernetes.io/enforce=restricted"]);
  });
  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
  });

  test("would take the farm as manifests/install.yaml has it", async () => {
    const said = await place.kubectl([...DRY_RUN, "-f", "-"], objectsFor(place.name));
    for (const kind of ["customresourcedefinition", "clusterrole", "deployment.apps", "networkpolicy"]) {
      expect(said).toContain(`\n${kind}`);
    }
    expect(await place.kubectl(["get", "deployments,services,serviceaccounts", "-o", "name"])).toBe(
      "serviceaccount/default",
    );
  });

  test("takes the example manifests where it has the farm's kinds", async (context) => {
    if (cluster.own !== undefined) await applyDefinitions(cluster, projectFolder);
    const kind = ["get", "crd", "emulatorinstances.emufarm.dev", "--ignore-not-found", "-o", "name"];
    if ((await cluster.kubectl(kind)) === "") return context.skip("the farm's kinds are not installed in this cluster");
    const said = await place.kubectl([...DRY_RUN, "-f", EXAMPLES]);
    expect(said).toContain("emulatorinstance.emufarm.dev/sensor-01 serverside-applied (server dry run)");
    expect(await place.kubectl(["get", "emufarm", "-o", "name"])).not.toContain("sensor-01");
    return undefined;
  });
});
