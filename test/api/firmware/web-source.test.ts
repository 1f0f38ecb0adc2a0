import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { createAddressRules } from "../../../src/api/firmware/address-rules.ts";
import { createWebSource, type ResolveHost } from "../../../src/api/firmware/web-source.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

interface Surroundings {
  readonly allowed?: readonly string[];
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  readonly resolveHost?: ResolveHost;
}

function fetchFrom(url: string, { allowed = ["files.example"], maxBytes = 1_000, ...rest }: Surroundings = {}) {
  const web = createWebSource({
    rules: createAddressRules(allowed),
    maxBytes,
    timeoutMs: rest.timeoutMs ?? 20_000,
    resolveHost: rest.resolveHost ?? (async () => [{ address: "127.0.0.1", family: 4 }]),
  });
  return web.fetch({ url }, async (bytes) => (await buffer(bytes)).toString());
}

test("bytes come from a host that may be fetched from, redirects followed", async () => {
  const port = await serve((request, response) => {
    if (request.url === "/here") response.writeHead(302, { location: "/there?key=1" }).end("on");
    else response.end(`bytes of ${request.url}`);
  });
  expect(await fetchFrom(`http://files.example:${port}/here`)).toBe("bytes of /there?key=1");
});

test.each<[string, string, Surroundings, string]>([
  ["a private address", "http://10.0.0.1/app.elf", {}, "10.0.0.1 is for a private network"],
  ["the metadata service", "http://169.254.169.254/latest/meta-data", {}, "is for the local link"],
  ["the loopback of IPv6", "http://[::1]:8080/app.elf", {}, "::1 is for this machine"],
  ["an address in another writing", "http://0x7f000001/app.elf", {}, "127.0.0.1 is for this machine"],
  ["a name that leads to a private address", "http://evil.example/app.elf", {}, "127.0.0.1 is for this machine"],
  [
    "a name of which one address is private",
    "http://evil.example/app.elf",
    {
      resolveHost: async () => [
        { address: "1.1.1.1", family: 4 },
        { address: "10.96.0.1", family: 4 },
      ],
    },
    "10.96.0.1 is for a private network",
  ],
  ["a user in the URL", "http://me:secret@files.example/app.elf", {}, "it has a user in it"],
  ["another protocol", "ftp://files.example/app.elf", {}, "neither http nor https"],
])("%s is refused", async (_what, url, surroundings, problem) => {
  const error = await fetchFrom(url, surroundings).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "FirmwareSourceRefused", class: "job" });
  expect(error.message).toContain(problem);
  expect(error.message).not.toContain("secret");
});

test.each([
  ["http://169.254.169.254/", "the local link"],
  ["https://10.96.0.1:443/api/v1/secrets", "a private network"],
  ["http://evil.example/", "this machine"],
  ["file:///etc/passwd", "neither http nor https"],
  ["//[", "no URL"],
])("a redirect to %s is refused", async (location, problem) => {
  const port = await serve((_request, response) => response.writeHead(301, { location }).end());
  const error = await fetchFrom(`http://files.example:${port}/`).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "FirmwareSourceRefused" });
  expect(error.message).toContain(problem);
});

test("a redirect without end is refused", async () => {
  const port = await serve((_request, response) => response.writeHead(302, { location: "/again" }).end());
  await expect(fetchFrom(`http://files.example:${port}/`)).rejects.toThrow("leads on more than 5 times");
});

test("a name is looked up once: what it leads to later is of no use to anybody", async () => {
  const port = await serve((_request, response) => response.end("bytes"));
  let lookups = 0;
  const resolveHost: ResolveHost = async () => {
    lookups += 1;
    return [{ address: lookups === 1 ? "127.0.0.1" : "169.254.169.254", family: 4 }];
  };
  const allowed = ["127.0.0.1"];
  expect(await fetchFrom(`http://changing.example:${port}/`, { allowed, resolveHost })).toBe("bytes");
  expect(lookups).toBe(1);
  await expect(fetchFrom(`http://changing.example:${port}/`, { allowed, resolveHost })).rejects.toMatchObject({
    code: "FirmwareSourceRefused",
  });
});

test.each<[string, RequestListener, Surroundings, string, string]>([
  ["is not there", (_request, response) => response.writeHead(404).end(), {}, "FirmwareSourceFailed", "answered 404"],
  [
    "breaks off",
    (_request, response) => response.write("half", () => response.destroy()),
    {},
    "FirmwareSourceFailed",
    "",
  ],
  ["is slow", () => {}, { timeoutMs: 100 }, "FirmwareSourceFailed", "longer than"],
  ["says that it is too large", (_request, response) => response.end("x".repeat(1_001)), {}, "BodyTooLarge", "1000"],
  [
    "is too large and does not say so",
    (_request, response) => {
      response.write("x".repeat(900));
      response.end("x".repeat(900));
    },
    {},
    "BodyTooLarge",
    "1000",
  ],
])("a file that %s is told as what it is", async (_what, listener, surroundings, code, words) => {
  const port = await serve(listener);
  const error = await fetchFrom(`http://files.example:${port}/app.elf?key=secret`, surroundings).catch(
    (thrown) => thrown,
  );
  expect(error).toMatchObject({ code });
  expect(error.message).toContain(words);
  expect(error.message).not.toContain("secret");
});

test("a host that has no name is told as such", async () => {
  const resolveHost = () => Promise.reject(new Error("getaddrinfo ENOTFOUND nowhere.example"));
  await expect(fetchFrom("http://nowhere.example/", { resolveHost })).rejects.toMatchObject({
    code: "FirmwareSourceFailed",
    message: expect.stringContaining("ENOTFOUND"),
  });
});
