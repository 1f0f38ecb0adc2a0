import { expect, test } from "vitest";
import { describeOnCluster } from "./cluster.ts";

describeOnCluster("a volume that a pod claims", "disruptive", (cluster) => {
  test("belongs to the pod's group, keeps what was written for the next pod, and goes with its claim", async () => {
    await using namespace = await cluster.makeNamespace("volume");
    await namespace.kubectl(["apply", "-f", "-"], JSON.stringify(CLAIM));
    const run = async (name: string, ...args: string[]) => {
      await namespace.kubectl(["apply", "-f", "-"], JSON.stringify(podWithVolume(name, args)));
      await namespace.kubectl(["wait", "--for=jsonpath={.status.phase}=Succeeded", `pod/${name}`, "--timeout=60s"]);
      return await namespace.kubectl(["logs", name]);
    };
    await run("writer", "write", "/data/file=kept");
    expect(await run("reader", "read", "/data/file")).toBe("kept");

    const volume = await namespace.kubectl([
      "get",
      "persistentvolumeclaim",
      "data",
      "-o",
      "jsonpath={.spec.volumeName}",
    ]);
    await namespace.kubectl(["delete", "pod", "writer", "reader"]);
    await namespace.kubectl(["delete", "persistentvolumeclaim", "data"]);
    await cluster.kubectl(["wait", "--for=delete", `persistentvolume/${volume}`, "--timeout=60s"]);
  });
});

const CLAIM = {
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "data" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } },
};

function podWithVolume(name: string, args: readonly string[]): object {
  const container = {
    name: "probe",
    image: "localhost/probe:1",
    imagePullPolicy: "Never",
    args,
    volumeMounts: [{ name: "data", mountPath: "/data" }],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
  };
  const spec = {
    restartPolicy: "Never",
    securityContext: { runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532 },
    containers: [container],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
  };
  return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec };
}
