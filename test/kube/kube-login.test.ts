import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Registry } from "prom-client";
import { expect, test, vi } from "vitest";
import { createKubeClient } from "../../src/kube/create-kube-client.ts";
import type { KubeClient } from "../../src/kube/kube-client.ts";
import { createKubeMetrics } from "../../src/kube/kube-metrics.ts";
import { createAuthority, openAuthority } from "../../src/operator/trust/certificate-authority.ts";
import { CONFIG_MAPS, configMap } from "./fake-api-server.ts";

const SERVER_NAME = "api.test";

/** A server over TLS that would rather speak HTTP/2, and a client that trusts this authority. */
async function startTlsServer(trusted?: string) {
  const authority = await openAuthority(await createAuthority(Date.now(), 3_600_000));
  const { key, certificate } = await authority.issue([SERVER_NAME], Date.now(), 60_000);
  const versions: string[] = [];
  let connections = 0;
  const server = createSecureServer({ key, cert: certificate, allowHTTP1: true }, (request, response) => {
    versions.push(request.httpVersion);
    response.end(JSON.stringify(configMap("a", 1)));
  });
  server.on("secureConnection", () => {
    connections += 1;
  });
  const port = await listen(server);
  const client = newClient(port, trusted ?? authority.certificate);
  return {
    client,
    versions,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Http2SecureServer): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function newClient(port: number, authority: string): KubeClient {
  const cluster = {
    server: `https://127.0.0.1:${port}`,
    "certificate-authority-data": Buffer.from(authority).toString("base64"),
    "tls-server-name": SERVER_NAME,
  };
  const kubeconfig = JSON.stringify({
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
  return createKubeClient({ source: { kubeconfig }, metrics: createKubeMetrics(new Registry()), userAgent: "test" });
}

test("calls go over HTTP/1.1, though the server offers HTTP/2, and connections are used again", async () => {
  await using server = await startTlsServer();
  for (let call = 0; call < 10; call += 1) await server.client.get(CONFIG_MAPS, "a", "n");
  expect(server.versions).toEqual(Array.from({ length: 10 }, () => "1.1"));
  expect(server.connections()).toBeLessThan(3);
});

test("a server whose certificate another authority has signed gets no request", async () => {
  const other = await createAuthority(Date.now(), 3_600_000);
  await using server = await startTlsServer(other.certificate);
  await expect(server.client.get(CONFIG_MAPS, "a", "n")).rejects.toMatchObject({ status: 0, reason: "Unreachable" });
  expect(server.versions).toEqual([]);
});

test("a login is not sent over plain HTTP", async () => {
  const kubeconfig = JSON.stringify({
    clusters: [{ name: "c", cluster: { server: "http://127.0.0.1:9" } }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
  const metrics = createKubeMetrics(new Registry());
  await using client = createKubeClient({ source: { kubeconfig }, metrics, userAgent: "test" });
  await expect(client.get(CONFIG_MAPS, "a", "n")).rejects.toThrow("HTTP protocol is not allowed");
});

test("outside of a cluster there is no service account, and the error says so", () => {
  vi.stubEnv("KUBERNETES_SERVICE_HOST", undefined);
  vi.stubEnv("KUBERNETES_SERVICE_PORT", undefined);
  const metrics = createKubeMetrics(new Registry());
  expect(() => createKubeClient({ source: { inCluster: true }, metrics, userAgent: "test" })).toThrow(
    "does not run in a pod",
  );
  vi.unstubAllEnvs();
});
