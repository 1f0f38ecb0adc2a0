import { beforeAll, expect, test } from "vitest";
import { describeOnCluster } from "./cluster.ts";
import type { TestNamespace } from "./test-cluster.ts";

/** Who may talk to the pod `server` on port 8080, by the words of one policy in its namespace. */
const POLICIES: readonly { readonly what: string; readonly spec: object; readonly reaches: Record<string, boolean> }[] =
  [
    { what: "of nobody", spec: { policyTypes: ["Ingress"] }, reaches: { near: false, far: false, foreign: false } },
    {
      what: "of pods with a label",
      spec: { ingress: [{ from: [{ podSelector: { matchLabels: { name: "far" } } }] }] },
      reaches: { near: false, far: true, foreign: false },
    },
    {
      what: "of another namespace",
      spec: { ingress: [{ from: [{ namespaceSelector: { matchLabels: { side: "foreign" } } }] }] },
      reaches: { near: false, far: false, foreign: true },
    },
    {
      what: "of a pod with a label in a namespace with another",
      spec: {
        ingress: [
          {
            from: [
              {
                namespaceSelector: { matchLabels: { side: "foreign" } },
                podSelector: { matchLabels: { name: "near" } },
              },
            ],
          },
        ],
      },
      reaches: { near: false, far: false, foreign: false },
    },
    {
      what: "to another port",
      spec: { ingress: [{ ports: [{ port: 8081 }] }] },
      reaches: { near: false, far: false, foreign: false },
    },
    {
      what: "to its port by name",
      spec: { ingress: [{ ports: [{ port: "http" }] }] },
      reaches: { near: true, far: true, foreign: true },
    },
    {
      what: "to a range of ports",
      spec: { ingress: [{ ports: [{ port: 8000, endPort: 8100 }] }] },
      reaches: { near: true, far: true, foreign: true },
    },
    {
      what: "of addresses but some",
      spec: { ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.0.0.0/9"] } }] }] },
      reaches: { near: false, far: false, foreign: false },
    },
    {
      what: "of all addresses",
      spec: { ingress: [{ from: [{ ipBlock: { cidr: "0.0.0.0/0" } }] }] },
      reaches: { near: true, far: true, foreign: true },
    },
  ];

describeOnCluster("a policy for a pod's network", "disruptive", (cluster) => {
  let home: TestNamespace;
  let foreign: TestNamespace;
  let server = "";

  beforeAll(async () => {
    home = await cluster.makeNamespace("policy");
    foreign = await cluster.makeNamespace("policy");
    await cluster.kubectl(["label", "namespace", foreign.name, "side=foreign"]);
    const pods = [probe("server", "node1"), probe("near", "node1"), probe("far", "node2")];
    await home.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: pods }));
    await foreign.kubectl(["apply", "-f", "-"], JSON.stringify(probe("foreign", "node3")));
    await home.kubectl(["wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s"]);
    await foreign.kubectl(["wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s"]);
    server = await home.kubectl(["get", "pod", "server", "-o", "jsonpath={.status.podIP}"]);
    return async () => {
      await home[Symbol.asyncDispose]();
      await foreign[Symbol.asyncDispose]();
    };
  });

  const reaches = async (name: string) => {
    const where = name === "foreign" ? foreign : home;
    const dialled = where.kubectl(["exec", name, "--", "/probe", "dial", `${server}:8080`]);
    return await dialled.then(
      () => true,
      () => false,
    );
  };
  const reached = async () => {
    const [near, far, elsewhere] = await Promise.all(["near", "far", "foreign"].map(reaches));
    return { near, far, foreign: elsewhere };
  };

  test("is not needed for pods to reach each other", async () => {
    expect(await reached()).toEqual({ near: true, far: true, foreign: true });
  });

  test.each(POLICIES)("that lets in connections $what is heeded, and no longer when it is gone", async (policy) => {
    await home.kubectl(["apply", "-f", "-"], JSON.stringify(networkPolicy("of-server", "server", policy.spec)));
    await expect.poll(reached).toEqual(policy.reaches);
    await home.kubectl(["delete", "networkpolicy", "of-server"]);
    await expect.poll(reached).toEqual({ near: true, far: true, foreign: true });
  });

  test("that lets out nothing but to a pod's port holds it from all else", async () => {
    const to = [{ podSelector: { matchLabels: { name: "server" } } }];
    const spec = { policyTypes: ["Egress"], egress: [{ to, ports: [{ port: "http" }] }] };
    await home.kubectl(["apply", "-f", "-"], JSON.stringify(networkPolicy("of-near", "near", spec)));
    const dials = (address: string) =>
      home.kubectl(["exec", "near", "--", "/probe", "dial", address]).then(
        () => true,
        () => false,
      );
    const dns = await cluster.kubectl([
      "get",
      "service",
      "kube-dns",
      "-n",
      "kube-system",
      "-o",
      "jsonpath={.spec.clusterIP}",
    ]);
    const node = await cluster.kubectl(["get", "node", "node1", "-o", "jsonpath={.status.addresses[0].address}"]);
    await expect.poll(() => dials(`${dns}:53`)).toBe(false);
    expect(await dials(`${node}:10250`)).toBe(false);
    expect(await dials(`${server}:8080`)).toBe(true);
    await home.kubectl(["delete", "networkpolicy", "of-near"]);
    await expect.poll(() => dials(`${dns}:53`)).toBe(true);
    expect(await dials(`${node}:10250`)).toBe(true);
  });
});

function networkPolicy(name: string, podName: string, spec: object): object {
  const podSelector = { matchLabels: { name: podName } };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name },
    spec: { podSelector, ...spec },
  };
}

function probe(name: string, nodeName: string): object {
  const container = {
    name: "probe",
    image: "localhost/probe:1",
    imagePullPolicy: "Never",
    args: ["serve", ":8080"],
    ports: [{ name: "http", containerPort: 8080 }],
  };
  const spec = { nodeName, terminationGracePeriodSeconds: 1, containers: [container] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels: { name } }, spec };
}
