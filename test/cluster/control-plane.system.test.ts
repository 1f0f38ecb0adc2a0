import { request } from "node:https";
import { describe, expect, test } from "vitest";
import { type ControlPlane, noControlPlane, startControlPlane } from "./control-plane.ts";

const reason = noControlPlane();

describe.skipIf(reason)(`a control plane of a test's own${reason === undefined ? "" : ` (${reason})`}`, () => {
  test("takes objects, validates them, and loses nothing when its API server is killed", async () => {
    await using plane = await startControlPlane();
    await plane.kubectl("create", "configmap", "kept", "--from-literal=key=value");
    await plane.stopApiServer();
    await expect(status(plane, "/readyz")).rejects.toThrow("ECONNREFUSED");
    await plane.startApiServer();
    expect(await plane.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.key}")).toBe("value");
    await expect(plane.kubectl("create", "configmap", "Not_A_Name")).rejects.toThrow("Invalid value");
  });

  test("answers only those who show its token", async () => {
    await using plane = await startControlPlane();
    expect(await status(plane, "/api/v1/namespaces", plane.token)).toBe(200);
    expect(await status(plane, "/api/v1/namespaces", "another")).toBe(401);
    expect(await status(plane, "/api/v1/namespaces")).toBe(403);
  });

  test("collects what has lost its owner, where it is asked to", async () => {
    await using plane = await startControlPlane({
      controllers: ["garbage-collector-controller", "namespace-controller"],
    });
    await plane.kubectl("create", "configmap", "owner");
    const uid = await plane.kubectl("get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}");
    const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid }];
    await plane.kubectl("create", "configmap", "owned");
    await plane.kubectl("patch", "configmap", "owned", "--patch", JSON.stringify({ metadata: { ownerReferences } }));
    await plane.kubectl("delete", "configmap", "owner");
    await plane.kubectl("wait", "--for=delete", "configmap/owned", "--timeout=60s");
  });

  test("stands beside others", async () => {
    const planes = await Promise.all([startControlPlane(), startControlPlane()]);
    try {
      expect(planes[0].url).not.toBe(planes[1].url);
      await planes[0].kubectl("create", "namespace", "of-the-first");
      expect(await planes[1].kubectl("get", "namespaces", "-o", "name")).not.toContain("of-the-first");
    } finally {
      for (const plane of planes) await plane[Symbol.asyncDispose]();
    }
  });
});

async function status({ url, authority }: ControlPlane, path: string, token?: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const asked = request(`${url}${path}`, { ca: authority, headers, agent: false }, (answer) => {
    answer.resume();
    resolve(answer.statusCode);
  });
  asked.on("error", reject).end();
  return await promise;
}
