import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { NAMESPACE_HEADER } from "../../../src/api/login/cluster-login.ts";
import type { AgentToken } from "../../../src/core/wire/agent-token.ts";
import { createSigningKey, publicKeysOf } from "../../../src/token/signing-keys.ts";
import { createTokenVerifier } from "../../../src/token/token-verifier.ts";
import { exampleImage } from "../../agent/attempt/agent-lab.ts";
import { noHelm, render } from "../../chart/chart.ts";
import { type ControlPlane, noControlPlane, startControlPlane } from "../../cluster/control-plane.ts";
import { type ApiFixture, startApiFixture, TOKEN } from "../http/api-fixture.ts";

const reason = noControlPlane() ?? noHelm();
const FARM = "farm";

describe.skipIf(reason)(`the API of a farm on a cluster${reason === undefined ? "" : ` (${reason})`}`, () => {
  let resources: AsyncDisposableStack;
  let plane: ControlPlane;
  let api: ApiFixture;
  let provider: Awaited<ReturnType<typeof startProvider>>;
  let signing: Awaited<ReturnType<typeof createSigningKey>>;
  let sha256 = "";

  beforeAll(async () => {
    await using starting = new AsyncDisposableStack();
    plane = starting.use(
      await startControlPlane({ controllers: ["clusterrole-aggregation-controller", "serviceaccount-controller"] }),
    );
    const folder = await mkdtemp(join(tmpdir(), "emu-login-"));
    starting.defer(() => rm(folder, { recursive: true, force: true }));
    signing = await createSigningKey("api", 0);
    await writeFile(join(folder, "ca.crt"), "an authority");
    await writeFile(join(folder, "signing.json"), JSON.stringify({ keys: [signing] }));
    const roles = (await render([])).filter(({ kind, metadata }) => kind === "ClusterRole" && "labels" in metadata);
    await writeFile(join(folder, "roles.json"), JSON.stringify({ apiVersion: "v1", kind: "List", items: roles }));
    await plane.kubectl("apply", "-f", join(folder, "roles.json"));
    for (const namespace of [FARM, "team-a", "team-b"]) await plane.kubectl("create", "namespace", namespace);
    for (const [account, role] of [
      ["ci", "edit"],
      ["looker", "view"],
      ["nobody", undefined],
    ] as const) {
      for (const namespace of ["team-a", "team-b"]) {
        await plane.kubectl("create", "serviceaccount", account, "-n", namespace);
        if (role === undefined) continue;
        const subject = `--serviceaccount=${namespace}:${account}`;
        await plane.kubectl("create", "rolebinding", account, "-n", namespace, `--clusterrole=${role}`, subject);
      }
    }
    // The controller adds the chart's rules to the cluster's own roles.
    await vi.waitFor(
      async () =>
        expect(await plane.kubectl("get", "clusterrole", "edit", "-o", "jsonpath={.rules}")).toContain("runs/channels"),
      { timeout: 30_000, interval: 200 },
    );
    provider = starting.use(await startProvider());
    api = starting.use(
      await startApiFixture([], TOKEN, {
        EMUFARM_KUBECONFIG: plane.kubeconfig,
        EMUFARM_AGENT_SELECTOR: "emufarm.dev/pool",
        EMUFARM_AGENT_KEYS: folder,
        EMUFARM_LOGIN_NAMESPACE: FARM,
        EMUFARM_TENANT: FARM,
        EMUFARM_OIDC_ISSUER: provider.issuer,
        EMUFARM_OIDC_USERNAME_CLAIM: "email",
      }),
    );
    ({ sha256 } = await api.farm.uploadBytes(await exampleImage("mps2-an385", "hello")));
    resources = starting.move();
  }, 120_000);
  afterAll(() => resources?.disposeAsync(), 60_000);

  const tokenOf = async (account: string, ...audience: string[]) =>
    (await plane.kubectl("create", "token", account, "-n", "team-a", ...audience)).trim();

  async function call(method: string, path: string, token: string, namespace?: string, body?: object) {
    const answer = await api.fetch(path, {
      method,
      headers: {
        authorization: token === "" ? "" : `Bearer ${token}`,
        ...(namespace !== undefined && { [NAMESPACE_HEADER]: namespace }),
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  const run = () => ({ jobs: [{ board: "mps2-an385", firmware: { sha256 } }] });

  test("knows nobody without a token, and none that the cluster does not know", async () => {
    expect(await call("GET", "/v1/runs", "")).toMatchObject({ status: 401, body: { code: "LoginNeeded" } });
    for (const token of ["made-up", "eyJhbGciOiJub25lIn0.e30."]) {
      expect(await call("GET", "/v1/runs", token)).toMatchObject({
        status: 401,
        body: { code: "TokenRefused", message: expect.stringContaining("the cluster does not know it") },
      });
    }
  });

  test.each([["--audience=emufarm"], []])(
    "takes a service account's token (%s) for what its role allows",
    async (...audience) => {
      const ci = await tokenOf("ci", ...audience);
      const submitted = await call("POST", "/v1/runs", ci, "team-a", run());
      expect(submitted).toMatchObject({ status: 201, body: { tenant: "team-a" } });
      const id = String(submitted.body.id);
      expect(await call("GET", `/v1/runs/${id}`, ci)).toMatchObject({ status: 200 });
      expect(await call("POST", `/v1/runs/${id}/cancel`, ci, "team-a", {})).toMatchObject({ status: 200 });
      const listed = await call("GET", "/v1/runs?limit=1000", ci, "team-a");
      expect(JSON.stringify(listed.body)).toContain(id);
    },
  );

  test("says to those who may not, what they may not", async () => {
    const [ci, looker, nobody] = [await tokenOf("ci"), await tokenOf("looker"), await tokenOf("nobody")];
    const { body } = await call("POST", "/v1/runs", ci, "team-a", run());
    const id = String(body.id);
    const name = "system:serviceaccount:team-a";
    const refused: readonly [Promise<{ status: number; body: object }>, string][] = [
      [call("POST", "/v1/runs", ci, "team-b", run()), `${name}:ci may not create runs.emufarm.dev in namespace team-b`],
      [call("POST", "/v1/runs", ci, undefined, run()), `${name}:ci may not create runs.emufarm.dev in namespace farm`],
      [
        call("POST", "/v1/runs", looker, "team-a", run()),
        `${name}:looker may not create runs.emufarm.dev in namespace team-a`,
      ],
      [
        call("POST", `/v1/runs/${id}/cancel`, looker, "team-a", {}),
        `${name}:looker may not update runs.emufarm.dev in namespace team-a`,
      ],
      [call("GET", `/v1/runs/${id}`, nobody), `${name}:nobody may not get runs.emufarm.dev in namespace team-a`],
      // Whoever names another namespace does not get at a run by that.
      [
        call("GET", `/v1/runs/${id}`, nobody, "team-b"),
        `${name}:nobody may not get runs.emufarm.dev in namespace team-a`,
      ],
      [call("DELETE", "/v1/boards/mps2-an385", ci), `${name}:ci may not delete clusterboards.emufarm.dev`],
      [
        call("GET", `/v1/jobs/${id}-000000/uarts/uart0`, looker),
        `${name}:looker may not create runs/channels.emufarm.dev in namespace team-a`,
      ],
    ];
    for (const [answer, problem] of refused) {
      const message = `This is not allowed: ${problem}.`;
      expect(await answer).toMatchObject({ status: 403, body: { code: "Forbidden", message } });
    }
    expect(await call("GET", `/v1/runs/${id}`, looker)).toMatchObject({ status: 200 });
    expect(await call("GET", "/v1/runs", looker, "not a namespace")).toMatchObject({ status: 400 });
  });

  test("keeps the runs and the keys of one namespace from another", async () => {
    const ours = await tokenOf("ci");
    const theirs = (await plane.kubectl("create", "token", "ci", "-n", "team-b")).trim();
    const submit = (token: string, namespace: string) =>
      api.fetch("/v1/runs", {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          [NAMESPACE_HEADER]: namespace,
          "content-type": "application/json",
          "idempotency-key": "nightly",
        },
        body: JSON.stringify(run()),
      });
    const [a, b] = [await submit(ours, "team-a"), await submit(theirs, "team-b")];
    expect([a.status, b.status]).toEqual([201, 201]);
    const [idA, idB] = [((await a.json()) as { id: string }).id, ((await b.json()) as { id: string }).id];
    const listed = JSON.stringify((await call("GET", "/v1/runs?limit=2", theirs, "team-b")).body);
    expect(listed).toContain(idB);
    expect(listed).not.toContain(idA);
  });

  test("gives a way to the boards of a pod, for a few minutes, to whoever may use their channels", async () => {
    const pod = async (name: string, labels: object) => {
      const metadata = { name, namespace: "team-a", labels, annotations: { "emufarm.dev/tokens": "signed" } };
      const spec = { containers: [{ name: "agent", image: "agent" }] };
      const file = join(api.data, `${name}.json`);
      await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec }));
      await plane.kubectl("create", "-f", file);
      return await plane.kubectl("get", "pod", name, "-n", "team-a", "-o", "jsonpath={.metadata.uid}");
    };
    const uid = await pod("board", { "app.kubernetes.io/name": "emufarm-agent" });
    await pod("other", { app: "other" });
    const ci = await tokenOf("ci");
    const ask = (token: string, name: string, namespace = "team-a") =>
      call("POST", "/v1/agent-tokens", token, namespace, { pod: name, namespace: "team-a" });

    const granted = await ask(ci, "board");
    expect(granted).toMatchObject({
      status: 201,
      body: { serverName: `${uid}.agents.emufarm`, authority: "an authority" },
    });
    const { token, expiresAt } = granted.body as unknown as AgentToken;
    const readKeys = async () => publicKeysOf([signing]);
    const verify = createTokenVerifier({ readKeys, audience: uid, clock: () => Date.now() });
    expect(await verify(token)).toEqual({ issuer: "api", scopes: ["channel"] });
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(5 * 60_000);

    expect(await ask(ci, "other")).toMatchObject({ status: 404 });
    expect(await ask(ci, "none")).toMatchObject({ status: 404 });
    expect(await ask(await tokenOf("looker"), "board")).toMatchObject({ status: 403 });
    // The right in one namespace is none in another, whatever the body says.
    const theirs = (await plane.kubectl("create", "token", "ci", "-n", "team-b")).trim();
    expect(await ask(theirs, "board", "team-b")).toMatchObject({ status: 400 });
  });

  test("takes people of an identity provider, by the roles that the cluster gives them", async () => {
    await plane.kubectl(
      "create",
      "rolebinding",
      "alice",
      "-n",
      "team-a",
      "--clusterrole=edit",
      "--user=oidc:alice@example.org",
    );
    await plane.kubectl("create", "rolebinding", "qa", "-n", "team-b", "--clusterrole=view", "--group=oidc:qa");
    const alice = { email: "alice@example.org", groups: ["qa"] };
    const token = await provider.token(alice);
    expect(await call("POST", "/v1/runs", token, "team-a", run())).toMatchObject({ status: 201 });
    expect(await call("GET", "/v1/runs", token, "team-b")).toMatchObject({ status: 200 });
    expect(await call("POST", "/v1/runs", token, "team-b", run())).toMatchObject({
      status: 403,
      body: {
        message: "This is not allowed: oidc:alice@example.org may not create runs.emufarm.dev in namespace team-b.",
      },
    });

    const stranger = await generateKeyPair("ES256");
    const refused: readonly [Promise<string>, RegExp][] = [
      [provider.token(alice, { audience: "another" }), /it is not for emufarm/],
      [provider.token(alice, { expiresAt: Date.now() / 1_000 - 600 }), /its time is over/],
      [provider.token(alice, { key: stranger.privateKey }), /did not make it so/],
      [provider.token({ groups: ["qa"] }), /names nobody in its claim email/],
      [provider.token({ ...alice, email_verified: false }), /has not verified the address/],
    ];
    for (const [made, problem] of refused) {
      expect(await call("GET", "/v1/runs", await made, "team-a")).toMatchObject({
        status: 401,
        body: { code: "TokenRefused", message: expect.stringMatching(problem) },
      });
    }
  });

  test("lets nobody in on a guess while the API server is away", async () => {
    const token = await tokenOf("looker", "--audience=emufarm");
    await plane.stopApiServer();
    try {
      expect(await call("GET", "/v1/runs", token, "team-a")).toMatchObject({
        status: 503,
        body: { code: "ClusterUnreachable" },
      });
      // The farm's own parts go on.
      expect(await call("GET", "/v1/runs", TOKEN)).toMatchObject({ status: 200 });
    } finally {
      await plane.startApiServer();
    }
  });
});

/** An identity provider of the test's own. */
async function startProvider() {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256", use: "sig" };
  const server = createServer((request, response) => {
    const answers: Record<string, object> = {
      "/.well-known/openid-configuration": { issuer, jwks_uri: `${issuer}/keys` },
      "/keys": { keys: [jwk] },
    };
    const answer = answers[request.url ?? ""];
    response.writeHead(answer ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(answer ?? {}));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  interface Making {
    readonly audience?: string;
    readonly expiresAt?: number;
    readonly key?: CryptoKey;
  }
  return {
    issuer,
    token: (claims: Record<string, unknown>, { audience = "emufarm", expiresAt, key = privateKey }: Making = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: "ES256", kid: "one" })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(expiresAt ?? "5m")
        .sign(key),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
