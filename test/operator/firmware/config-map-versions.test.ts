import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { createLog } from "../../../src/log/log.ts";
import { createConfigMapVersions } from "../../../src/operator/firmware/config-map-versions.ts";
import { answer, configMap, startFakeApiServer } from "../../kube/fake-api-server.ts";

test("however many ConfigMaps are used in a namespace, they are watched once, and by their metadata alone", async () => {
  const watches = new Set<ServerResponse>();
  const told: string[] = [];
  await using server = await startFakeApiServer(({ query }, response) => {
    if (!query.has("watch")) {
      const items = ["a", "b", "other"].map((name) => configMap(name, 1));
      return answer(response, 200, { metadata: { resourceVersion: "1" }, items });
    }
    response.writeHead(200).flushHeaders();
    watches.add(response);
    response.once("close", () => watches.delete(response));
  });
  const { client, metrics } = server;
  const log = createLog({ name: "test", level: "silent" });
  await using versions = createConfigMapVersions({ client, metrics, log, onChange: (user) => told.push(user) });
  const tell = (name: string, version: number) => {
    const event = { type: "MODIFIED", object: configMap(name, version) };
    for (const watch of watches) watch.write(`${JSON.stringify(event)}\n`);
  };

  versions.use("n/one", ["n/a", "n/missing"]);
  versions.use("n/two", ["n/a", "n/b"]);
  expect(versions.see("n/a")).toBe("unknown");
  await expect.poll(() => watches.size).toBe(1);
  expect(new Set(told)).toEqual(new Set(["n/one", "n/two"]));
  expect(versions.see("n/a")).toEqual({ version: "uid-a/1" });
  expect(versions.see("n/missing")).toBe("missing");

  told.length = 0;
  tell("other", 2);
  tell("b", 2);
  await expect.poll(() => told).toEqual(["n/two"]);
  expect(versions.see("n/b")).toEqual({ version: "uid-b/2" });

  // Whoever comes later knows at once, and whoever has gone is told nothing.
  versions.use("n/three", ["n/b"]);
  expect(versions.see("n/b")).toEqual({ version: "uid-b/2" });
  versions.use("n/two", []);
  told.length = 0;
  tell("b", 3);
  await expect.poll(() => told).toEqual(["n/three"]);
  expect(server.seen.map(({ path }) => path)).toEqual(Array(2).fill("/api/v1/namespaces/n/configmaps"));
  for (const { headers } of server.seen) expect(headers.accept).toContain("as=PartialObjectMetadata");

  versions.use("n/three", []);
  versions.use("n/one", []);
  await expect.poll(() => watches.size).toBe(0);
  expect(versions.see("n/b")).toBe("unknown");
});
