import { join } from "node:path";
import { expect, test } from "vitest";
import { loadImage } from "../../scripts/cluster/images.ts";
import { describeOnCluster } from "./cluster.ts";
import { probeDeployment } from "./probe-pods.ts";

describeOnCluster("a cluster of the farm's own", "disruptive", (cluster) => {
  test("runs pods on all of its nodes, found by the name of their service", async () => {
    await using namespace = await cluster.makeNamespace("pods");
    await namespace.kubectl(["apply", "-f", "-"], probeDeployment("web", 3));
    await namespace.kubectl(["rollout", "status", "deployment/web", "--timeout=60s"]);
    await expect
      .poll(async () => {
        const said = await namespace.kubectl(["exec", "deployment/web", "--", "/probe", "get", "http://web"]);
        return said.split(" ")[0];
      })
      .toMatch(/^node[123]$/);
    const nodes = await namespace.kubectl(["get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}"]);
    expect(nodes.split(" ").sort()).toEqual(["node1", "node2", "node3"]);
    expect(await namespace.kubectl(["logs", "deployment/web"])).toContain("serving on :8080");
  });

  test("answers this machine at the addresses of services and pods", async () => {
    await using namespace = await cluster.makeNamespace("outside");
    await namespace.kubectl(["apply", "-f", "-"], probeDeployment("web", 1));
    await namespace.kubectl(["rollout", "status", "deployment/web", "--timeout=60s"]);
    const service = await namespace.kubectl(["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"]);
    const pod = await namespace.kubectl(["get", "pods", "-o", "jsonpath={.items[0].status.podIP}:8080"]);
    for (const address of [service, pod]) {
      const answer = () => fetch(`http://${address}/`).then((response) => response.text());
      await expect.poll(() => answer().catch(() => "nobody answers")).toMatch(/^node\d web-/);
    }
  });

  test("takes an image from an archive, on every node", async () => {
    const { own } = cluster;
    if (own === undefined) throw new Error("a cluster of our own is needed");
    expect(await loadImage(own, join(own.folder, "images/probe.tar"))).toEqual(["localhost/probe:1"]);
    await expect(loadImage(own, "/nowhere/image.tar")).rejects.toThrow("/nowhere/image.tar is not there");
    const names = await cluster.kubectl(["get", "nodes", "-o", "jsonpath={.items[*].status.images[*].names[*]}"]);
    expect(names.split(" ").filter((name) => name === "localhost/probe:1")).toHaveLength(3);
  });

  test("lets no pod out of this machine", async () => {
    await using namespace = await cluster.makeNamespace("away");
    const probe = ["--image=localhost/probe:1", "--image-pull-policy=Never", "--restart=Never"];
    // Of RFC 5737: nobody's.
    await namespace.kubectl(["run", "away", ...probe, "--", "dial", "192.0.2.1:80"]);
    await namespace.kubectl(["wait", "--for=jsonpath={.status.phase}=Failed", "pod/away", "--timeout=60s"]);
    expect(await namespace.kubectl(["logs", "away"])).toMatch(/FAIL 192.0.2.1:80 .*unreachable/);
  });
});
