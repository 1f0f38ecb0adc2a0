import { expect, test } from "vitest";
import { isAlreadyExists, isConflict, isExpired, isNotFound, KubeError } from "../../src/kube/kube-error.ts";
import { answer, type Behaviour, CONFIG_MAPS, configMap, refuse, startFakeApiServer } from "./fake-api-server.ts";

const NODES = { apiVersion: "v1", kind: "Node", plural: "nodes", isNamespaced: false };
const BOARDS = { apiVersion: "emufarm.dev/v1alpha1", kind: "Board", plural: "boards", isNamespaced: true };

test("objects are asked for at the paths of the API", async () => {
  await using server = await startFakeApiServer((_request, response) =>
    answer(response, 200, { items: [], metadata: {} }),
  );
  await server.client.get(CONFIG_MAPS, "a", "n");
  await server.client.get(NODES, "a");
  await server.client.list(BOARDS, { namespace: "n", labelSelector: "a=b" });
  await server.client.list(BOARDS);
  expect(server.seen.map(({ path, query }) => `${path}?${query}`)).toEqual([
    "/api/v1/namespaces/n/configmaps/a?",
    "/api/v1/nodes/a?",
    "/apis/emufarm.dev/v1alpha1/namespaces/n/boards?labelSelector=a%3Db&limit=500",
    "/apis/emufarm.dev/v1alpha1/boards?limit=500",
  ]);
  expect(server.seen[0]?.headers).toMatchObject({ authorization: "Bearer t", "user-agent": "test" });
  await expect(server.client.get(CONFIG_MAPS, "a")).rejects.toThrow(RangeError);
  const { namespace: _namespace, ...metadata } = configMap("a", 1).metadata;
  await expect(server.client.create(CONFIG_MAPS, { ...configMap("a", 1), metadata })).rejects.toThrow(RangeError);
});

test("a list in pages is one list, and its items say what they are", async () => {
  await using server = await startFakeApiServer(
    ({ query }, response) => {
      const next = Number(query.get("continue") ?? 0) + 1;
      const { apiVersion: _version, kind: _kind, ...item } = configMap(`m${next}`, next);
      answer(response, 200, {
        metadata: { resourceVersion: "7", ...(next < 3 && { continue: String(next) }) },
        items: [item],
      });
    },
    { pageSize: 1 },
  );
  const { items, resourceVersion } = await server.client.list(CONFIG_MAPS);
  expect(items).toEqual([configMap("m1", 1), configMap("m2", 2), configMap("m3", 3)]);
  expect(resourceVersion).toBe("7");
});

test("a list whose pages expire is fetched at once", async () => {
  await using server = await startFakeApiServer(({ query }, response) => {
    if (query.has("continue")) return refuse(response, 410, "Expired");
    const isPaged = query.has("limit");
    answer(response, 200, {
      metadata: { resourceVersion: "9", ...(isPaged && { continue: "c" }) },
      items: isPaged ? [configMap("a", 1)] : [configMap("a", 2), configMap("b", 3)],
    });
  });
  expect((await server.client.list(CONFIG_MAPS)).items).toHaveLength(2);
});

test.each<[number, string, (error: unknown) => boolean]>([
  [404, "NotFound", isNotFound],
  [409, "Conflict", isConflict],
  [409, "AlreadyExists", isAlreadyExists],
  [410, "Expired", isExpired],
])("a refusal with %i %s is told from others", async (status, reason, isIt) => {
  await using server = await startFakeApiServer((_request, response) => refuse(response, status, reason));
  const error = await server.client.create(CONFIG_MAPS, configMap("a", 1)).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ status, reason, message: `${reason} said the server` });
  expect([isNotFound, isConflict, isAlreadyExists, isExpired].filter((is) => is(error))).toEqual([isIt]);
});

test("what is not there is undefined, or was not deleted", async () => {
  await using server = await startFakeApiServer((_request, response) => refuse(response, 404, "NotFound"));
  expect(await server.client.get(CONFIG_MAPS, "a", "n")).toBeUndefined();
  expect(await server.client.delete(CONFIG_MAPS, "a", "n", { uid: "u", gracePeriodSeconds: 0 })).toBe(false);
  expect(server.seen[1]?.body).toMatchObject({
    kind: "DeleteOptions",
    preconditions: { uid: "u" },
    gracePeriodSeconds: 0,
  });
});

test("a server that has too much to do says how long to wait", async () => {
  await using server = await startFakeApiServer((_request, response) =>
    refuse(response, 429, "TooManyRequests", { "retry-after": "3" }),
  );
  await expect(server.client.list(CONFIG_MAPS)).rejects.toMatchObject({ status: 429, retryAfterMs: 3_000 });
});

test.each<[string, Behaviour, object]>([
  ["breaks the connection", (_request, response) => response.destroy(), { status: 0, reason: "Unreachable" }],
  ["says nothing", () => {}, { status: 0, reason: "Timeout" }],
  ["breaks off its answer", (_request, response) => void response.write("{", () => response.destroy()), { status: 0 }],
  ["answers with a page", (_request, response) => response.end("<html>"), { status: 200, reason: "Unparsable" }],
  [
    "fails without a word",
    (_request, response) => response.writeHead(502).end("bad gateway"),
    { status: 502, message: "bad gateway" },
  ],
])("it is an error when the server %s", async (_name, behave, expected) => {
  await using server = await startFakeApiServer(behave, { timeoutMs: 200 });
  const error = await server.client.get(CONFIG_MAPS, "a", "n").catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(KubeError);
  expect(error).toMatchObject(expected);
});

test("a login that has run out is renewed once", async () => {
  let calls = 0;
  await using server = await startFakeApiServer((_request, response) => {
    calls += 1;
    if (calls === 1) refuse(response, 401, "Unauthorized");
    else answer(response, 200, configMap("a", 1));
  });
  expect(await server.client.get(CONFIG_MAPS, "a", "n")).toEqual(configMap("a", 1));
  const { values } = await server.metrics.requests.get();
  expect(values.map(({ labels, value }) => [labels.code, value])).toEqual([
    ["401", 1],
    ["200", 1],
  ]);
});

test("a login that is refused for good is an error", async () => {
  await using server = await startFakeApiServer((_request, response) => refuse(response, 401, "Unauthorized"));
  await expect(server.client.get(CONFIG_MAPS, "a", "n")).rejects.toMatchObject({ status: 401 });
  expect(server.seen).toHaveLength(2);
});

test("a request that may not leave does not", async () => {
  await using server = await startFakeApiServer((_request, response) => answer(response, 200, configMap("a", 1)));
  const beforeSend = () => {
    throw new RangeError("not now");
  };
  await expect(server.client.create(CONFIG_MAPS, configMap("a", 1), { beforeSend })).rejects.toThrow("not now");
  const signal = AbortSignal.abort(new RangeError("over"));
  await expect(server.client.create(CONFIG_MAPS, configMap("a", 1), { signal })).rejects.toThrow("over");
  expect(server.seen).toHaveLength(0);
});

test("a request that may leave no more when its turn on the connection comes does nothing", async () => {
  await using server = await startFakeApiServer((_request, response) => answer(response, 200, configMap("a", 1)));
  let checks = 0;
  const beforeSend = () => {
    checks += 1;
    if (checks === 2) throw new RangeError("too late");
  };
  await expect(server.client.create(CONFIG_MAPS, configMap("a", 1), { beforeSend })).rejects.toThrow("too late");
  expect(server.seen).toHaveLength(0);
  await server.client.create(CONFIG_MAPS, configMap("a", 1), { beforeSend });
  expect(server.seen[0]?.body).toEqual(configMap("a", 1));
  expect(server.seen[0]?.headers["content-length"]).toBe(String(JSON.stringify(configMap("a", 1)).length));
});

test("server-side apply says who applies, and status is taken over", async () => {
  await using server = await startFakeApiServer((_request, response) => answer(response, 200, configMap("a", 1)));
  await server.client.apply(CONFIG_MAPS, configMap("a", 1), { fieldManager: "me" });
  await server.client.applyStatus(CONFIG_MAPS, configMap("a", 1), { fieldManager: "me" });
  await server.client.patch(CONFIG_MAPS, "a", "n", { data: { a: "b" } }, { subresource: "scale" });
  expect(
    server.seen.map(({ path, query, headers }) => [path.split("/configmaps/")[1], `${query}`, headers["content-type"]]),
  ).toEqual([
    ["a", "fieldManager=me&force=false", "application/apply-patch+yaml"],
    ["a/status", "fieldManager=me&force=true", "application/apply-patch+yaml"],
    ["a/scale", "", "application/merge-patch+json"],
  ]);
});
