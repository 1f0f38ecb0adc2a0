import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAgentClient } from "../../../src/client/agent-client.ts";
import { agentServerName, agentToken } from "../../../src/client/agent-identity.ts";
import { sharedContext } from "../../../src/client/server-trust.ts";
import { formatListenAddress } from "../../../src/http/listen-address.ts";
import { createMetrics } from "../../../src/http/process-metrics.ts";
import { createHttpServer, type HttpServer } from "../../../src/http/server.ts";
import { readServerIdentity } from "../../../src/http/server-identity.ts";
import { createLog } from "../../../src/log/log.ts";
import {
  type CertificateAuthority,
  createAuthority,
  openAuthority,
} from "../../../src/operator/trust/certificate-authority.ts";

const POD = "0c9e2f6e-1d0b-4d93-9f0b-6a1f2f3f4a5b";
const HOUR_MS = 3_600_000;
const token = agentToken("the farm's key", POD);

let authority: CertificateAuthority;
let server: HttpServer;
let address: string;

beforeAll(async () => {
  authority = await openAuthority(await createAuthority(Date.now(), 10 * HOUR_MS));
  const tls = await authority.issue([agentServerName(POD)], Date.now(), HOUR_MS);
  server = await createHttpServer({
    log: createLog({ name: "test", level: "silent" }),
    trust: { token, tokenFile: "token" },
    metrics: createMetrics(),
    tls,
  });
  server.app.get("/v1/info", async () => ({ agentId: "an-agent" }));
  server.app.get("/v1/instances/i/qmp", { websocket: true }, (socket) => socket.send("hello"));
  const bound = await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  address = formatListenAddress(bound).replace("tcp:", "https://");
});

afterAll(() => server.close());

test("an agent that has a certificate of the authority, for its pod, is trusted: requests and WebSockets", async () => {
  const tls = { authority: authority.certificate, serverName: agentServerName(POD) };
  await using client = createAgentClient({ address, token, tls });
  expect(await client.info()).toEqual({ agentId: "an-agent" });
  const heard = Promise.withResolvers<string>();
  const socket = await client.openQmp({ instance: "i" }, (data) => heard.resolve(String(data)));
  expect(await heard.promise).toBe("hello");
  socket.terminate();
});

test("what many connections have in common is made once for an authority, and anew for the next one", async () => {
  const context = sharedContext();
  const next = (await createAuthority(Date.now(), HOUR_MS)).certificate;
  const first = context(authority.certificate);
  expect(context(authority.certificate)).toBe(first);
  expect(context(next)).not.toBe(first);
  let known = next;
  const tls = { authority: () => known, serverName: agentServerName(POD), context };
  await using client = createAgentClient({ address, token, tls });
  await expect(client.info()).rejects.toMatchObject({ code: "AgentLost" });
  known = authority.certificate;
  expect(await client.info()).toEqual({ agentId: "an-agent" });
  await using other = createAgentClient({ address, token, tls: { ...tls, serverName: agentServerName("other") } });
  await expect(other.info()).rejects.toMatchObject({ code: "AgentLost" });
});

test.each([
  ["another pod's name", async () => ({ authority: authority.certificate, serverName: agentServerName("other") })],
  [
    "another authority",
    async () => ({
      authority: (await createAuthority(Date.now(), HOUR_MS)).certificate,
      serverName: agentServerName(POD),
    }),
  ],
])("a certificate of %s is refused", async (_what, trust) => {
  await using client = createAgentClient({ address, token, tls: await trust() });
  await expect(client.info()).rejects.toMatchObject({ code: "AgentLost" });
  await expect(client.openQmp({ instance: "i" }, () => {})).rejects.toMatchObject({ code: "AgentLost" });
});

test("a token of one pod is not that of another, nor of another farm", () => {
  const tokens = [token, agentToken("the farm's key", "other"), agentToken("another key", POD)];
  expect(new Set(tokens).size).toBe(3);
  expect(agentToken("the farm's key", POD)).toBe(token);
});

test("a certificate is good from before it was made, so that clocks may differ, until its end", async () => {
  const nowMs = Date.parse("2026-01-02T03:04:05Z");
  const { certificate } = await authority.issue(["a.agents.emufarm"], nowMs, HOUR_MS);
  const { validFromDate, validToDate, subjectAltName, checkIssued } = new X509Certificate(certificate);
  expect(nowMs - validFromDate.getTime()).toBeGreaterThanOrEqual(5 * 60_000);
  expect(validToDate.getTime()).toBe(nowMs + HOUR_MS);
  expect(subjectAltName).toBe("DNS:a.agents.emufarm");
  expect(checkIssued.call(new X509Certificate(certificate), new X509Certificate(authority.certificate))).toBe(true);
});

test("settings with half an identity are refused; with none, there is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "id-"));
  try {
    const key = join(folder, "tls.key");
    writeFileSync(key, "a key");
    expect(readServerIdentity(undefined, undefined)).toBeUndefined();
    expect(() => readServerIdentity(key, undefined)).toThrow("belong together");
    expect(() => readServerIdentity(key, join(folder, "tls.crt"))).toThrow("EMUFARM_TLS_CERTIFICATE_FILE: ENOENT");
    expect(readServerIdentity(key, key)).toEqual({ key: "a key", certificate: "a key" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
