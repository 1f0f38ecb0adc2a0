import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { buildImage } from "../../scripts/images/build.ts";
import { pushImages, writeValues } from "../../scripts/images/push.ts";
import { type FindLogin, loginsOf, openRegistry } from "../../scripts/images/registry.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import { machineAt } from "../../scripts/setup/system-packages.mjs";
import { REGISTRY_USER, startRegistry } from "./registry-process.ts";

const place = { project: projectFolder, cache: ownCacheFolder() };
const LAYERS_TAKE_MS = 600_000;
const machine = machineAt(`${process.env.PATH}${delimiter}/usr/bin`);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "push-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach((context) => {
  if (!machine.hasCommand("docker-registry")) context.skip("docker-registry is not installed");
  if (!machine.hasFile("/usr/lib/apt/apt-helper"))
    context.skip("this system has no apt, which packages are fetched by");
});

const push = (target: string, findLogin: FindLogin = async () => undefined) =>
  pushImages({ place, names: ["operator"], target, tag: undefined, isPlain: false, findLogin, onPushed: () => {} });

test("an image gets into a registry with the digest of its archive, once, and the chart is told which", {
  timeout: LAYERS_TAKE_MS,
}, async () => {
  await using registry = await startRegistry();
  const target = `${registry.address}/emufarm`;
  const [first] = await push(target);
  const built = await buildImage(place, "operator", folder);
  expect(first).toMatchObject({ digest: built.digest, sentBytes: built.bytes });
  expect(await push(target)).toMatchObject([{ digest: built.digest, sentBytes: 0 }]);

  const manifest = await fetch(`http://${registry.address}/v2/emufarm/emufarm-operator/manifests/0.1.0`, {
    headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
  });
  expect(manifest.headers.get("docker-content-digest")).toBe(built.digest);

  const file = join(folder, "values.yaml");
  writeValues(file, target, first ? [first] : []);
  expect(parse(readFileSync(file, "utf8"))).toEqual({
    image: { registry: target, tag: "0.1.0", digests: { operator: built.digest } },
  });
});

test("a login is found where docker, podman and skopeo leave it; without one, and with a wrong one, that is said", {
  timeout: LAYERS_TAKE_MS,
}, async () => {
  await using registry = await startRegistry({ hasLogin: true });
  const target = `${registry.address}/emufarm`;
  const authFile = (password: string) => {
    const auth = Buffer.from(`${REGISTRY_USER.username}:${password}`).toString("base64");
    const file = join(folder, `${password}.json`);
    writeFileSync(file, JSON.stringify({ auths: { [registry.address]: { auth } } }));
    return loginsOf({ REGISTRY_AUTH_FILE: file, HOME: folder });
  };
  const refusal = `the registry ${registry.address} does not let us write to emufarm/emufarm-operator`;
  await expect(push(target)).rejects.toThrow(refusal);
  await expect(push(target, authFile("wrong"))).rejects.toThrow(refusal);
  expect(await push(target, authFile(REGISTRY_USER.password))).toMatchObject([{ name: "operator" }]);
});

test("a registry with a token service is asked there", async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    asked.push(request.url, request.headers.authorization);
    if (request.url?.startsWith("/token")) return response.end(JSON.stringify({ token: "a-token" }));
    if (request.headers.authorization === "Bearer a-token") return response.writeHead(200).end();
    const challenge = `Bearer realm="http://127.0.0.1:${port}/token",service="registry"`;
    return response.writeHead(401, { "www-authenticate": challenge }).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const opened = openRegistry({ registry, repository: "farm/image" }, false, async () => REGISTRY_USER);
    expect(await opened.hasBlob("sha256:abc")).toBe(true);
    expect(asked).toEqual([
      "/v2/farm/image/blobs/sha256:abc",
      undefined,
      "/token?service=registry&scope=repository%3Afarm%2Fimage%3Apull%2Cpush",
      `Basic ${Buffer.from("farm:open sesame").toString("base64")}`,
      "/v2/farm/image/blobs/sha256:abc",
      "Bearer a-token",
    ]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("what is no registry is refused, and one that is away is named", async () => {
  await expect(push("")).rejects.toThrow("push takes a registry");
  await expect(push("https://registry.example.org")).rejects.toThrow("is none");
  await expect(push("127.0.0.1:1/farm")).rejects.toThrow("the registry http://127.0.0.1:1 does not answer");
});
