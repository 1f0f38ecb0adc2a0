import { expect, test } from "vitest";
import { createFirmwareSources } from "../../../src/operator/firmware/firmware-sources.ts";
import { refuse, startFakeApiServer } from "../../kube/fake-api-server.ts";

const NEVER = new AbortController().signal;
const configMaps = { use() {}, see: () => "unknown" as const, async [Symbol.asyncDispose]() {} };

test("a Secret that the operator may not read is told, with both ways to allow it", async () => {
  await using server = await startFakeApiServer((_request, response) => refuse(response, 403, "Forbidden"));
  const sources = createFirmwareSources({ client: server.client, configMaps });
  const read = sources.read("n", { image: "r.example/app", secretName: "login" }, NEVER);
  await expect(read).rejects.toMatchObject({
    problem: {
      reason: "SecretForbidden",
      message:
        "The operator may not read Secret login: a Role in the namespace that lets its service account get it, or the chart's operator.readSecrets, would allow that.",
    },
  });
});

test("an API server that is away is a failure that passes", async () => {
  await using server = await startFakeApiServer((_request, response) => refuse(response, 500, "InternalError"));
  const sources = createFirmwareSources({ client: server.client, configMaps });
  const read = sources.read("n", { configMap: { name: "images", key: "app.elf" } }, NEVER);
  await expect(read).rejects.toMatchObject({ code: "FirmwareSourceFailed", class: "infrastructure" });
});

test("a source without a ConfigMap is what its own words say", () => {
  const sources = createFirmwareSources({ client: { get: async () => undefined }, configMaps });
  expect(sources.versionOf("n", { url: "https://files.example/app.elf" })).toBe("");
  expect(sources.versionOf("n", { configMap: { name: "images", key: "app.elf" } })).toBeUndefined();
});
