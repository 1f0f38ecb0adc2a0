import type { TestNamespace } from "../cluster/test-cluster.ts";

/** A pod that dials others, under any labels; it is never Ready, so that no Service counts it among its own. */
export interface NetworkProbe {
  reaches(address: string): Promise<boolean>;
}

/** @param labels as policies see it */
export async function startProbe(
  namespace: TestNamespace,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<NetworkProbe> {
  const container = {
    name: "probe",
    image: "localhost/probe:1",
    imagePullPolicy: "Never",
    args: ["serve", ":7777"],
    readinessProbe: { tcpSocket: { port: 1 }, periodSeconds: 600 },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
  };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels },
    spec: {
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: "RuntimeDefault" } },
      containers: [container],
    },
  };
  await namespace.kubectl(["apply", "-f", "-"], JSON.stringify(pod));
  await namespace.kubectl(["wait", "--for=jsonpath={.status.phase}=Running", `pod/${name}`, "--timeout=120s"]);
  return {
    reaches: (address) =>
      namespace.kubectl(["exec", name, "--", "/probe", "dial", address]).then(
        () => true,
        () => false,
      ),
  };
}

/** Addresses of the pods with these labels. */
export async function addressesOf(namespace: TestNamespace, selector: string): Promise<string[]> {
  const found = await namespace.kubectl(["get", "pods", "-l", selector, "-o", "jsonpath={.items[*].status.podIP}"]);
  return found.split(" ").filter((address) => address !== "");
}
