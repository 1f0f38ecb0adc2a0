import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../src/api/config.ts";
import { createTemporaryFolder } from "./store/temporary-folder.ts";

test("all problems of the settings are told together", () => {
  const read = () =>
    readConfig({ EMUFARM_ROLE: "king", EMUFARM_LISTEN: "8080", EMUFARM_DATA: "data", EMUFARM_REDIS: "localhost" });
  const names = ["ROLE", "LISTEN", "TOKEN_FILE", "DATA", "REDIS", "PUBLIC_URL"];
  for (const name of names) expect(read).toThrow(`EMUFARM_${name}: `);
});

test("settings are read into what the processes need", async () => {
  await using folder = await createTemporaryFolder();
  const tokenFile = join(folder.path, "token");
  const env = {
    EMUFARM_ROLE: "api",
    EMUFARM_LISTEN: "tcp:127.0.0.1:0",
    EMUFARM_TOKEN_FILE: tokenFile,
    EMUFARM_DATA: folder.path,
    EMUFARM_REDIS: "unix:/run/redis.sock",
    EMUFARM_AGENTS: "unix:/a,unix:/b",
    EMUFARM_PUBLIC_URL: "http://127.0.0.1:7380",
    EMUFARM_BOARDS: "/one:/two",
    EMUFARM_REDIS_PASSWORD_FILE: join(folder.path, "password"),
    EMUFARM_ALLOWED_HOSTS: "farm.example.org,192.0.2.7",
  };
  expect(() => readConfig(env)).toThrow("EMUFARM_TOKEN_FILE");
  await writeFile(tokenFile, "\n");
  expect(() => readConfig(env)).toThrow("is empty");
  await writeFile(tokenFile, "secret\n");
  expect(() => readConfig(env)).toThrow("EMUFARM_REDIS_PASSWORD_FILE");
  await writeFile(env.EMUFARM_REDIS_PASSWORD_FILE, "of redis\n");
  expect(readConfig(env)).toMatchObject({
    role: "api",
    token: "secret",
    agents: ["unix:/a", "unix:/b"],
    agentPods: undefined,
    boardFolders: ["/one", "/two"],
    redisPassword: "of redis",
    allowedHosts: ["farm.example.org", "192.0.2.7"],
    retention: { maxAgeMs: 30 * 86_400_000, maxBytes: 20 * 1024 ** 3 },
  });
  const inPods = { ...env, EMUFARM_AGENT_SELECTOR: "emufarm.dev/pool" };
  expect(() => readConfig(inPods)).toThrow("EMUFARM_AGENT_KEYS");
  expect(readConfig({ ...inPods, EMUFARM_AGENT_KEYS: "/keys", EMUFARM_AGENT_NAMESPACES: "a,b" })).toMatchObject({
    agentPods: { labelSelector: "emufarm.dev/pool", keysFolder: "/keys", namespaces: ["a", "b"] },
  });
});
