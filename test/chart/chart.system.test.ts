import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readConfig as readApiConfig } from "../../src/api/config.ts";
import { readConfig as readOperatorConfig } from "../../src/operator/config.ts";
import { CHART, helm, noHelm, podsOf, REGISTRY, type Rendered, render, template } from "./chart.ts";

const reason = noHelm();

const WITH_BUCKET = [
  "api.store.s3.bucket=farm",
  "api.store.s3.endpoint=https://s3.example.org:9000",
  "api.store.s3.existingSecret=farm-s3",
];

/** Values by what they are about. Every switch of the chart is in one of them. */
const MATRIX: Record<string, string[]> = {
  "as it comes": [],
  "for two namespaces": ["watchNamespaces={red,blue}"],
  "with a Redis elsewhere": [
    "redis.type=external",
    "redis.external.url=rediss://redis.example.org:6380",
    "redis.external.passwordSecret.name=redis",
    "redis.external.passwordSecret.key=word",
  ],
  "with an open Redis elsewhere": ["redis.type=external", "redis.external.url=redis://redis.example.org"],
  "without volumes": ["api.store.type=ephemeral", "redis.store.type=ephemeral"],
  "with volumes of a class": ["api.store.storageClassName=fast", "redis.store.storageClassName=fast"],
  "with a claim that is there": ["api.store.existingClaim=kept"],
  "with a bucket": WITH_BUCKET,
  "with a part of a bucket, whose server has a certificate of its own": [
    ...WITH_BUCKET,
    "api.store.s3.prefix=farms/one",
    "api.store.s3.region=eu-central-1",
    "api.store.s3.caSecret=s3-ca",
    "api.store.size=2Gi",
  ],
  "with a Secret that is there": ["auth.existingSecret=ours"],
  "with one operator": ["operator.replicas=1"],
  "read by pod": ["monitoring.enabled=true", "monitoring.labels.team=infra"],
  "read by service": ["monitoring.enabled=true", "monitoring.kind=ServiceMonitor", "watchNamespaces={red}"],
  "behind an ingress": [
    "api.ingress.enabled=true",
    "api.ingress.host=farm.example.org",
    "api.ingress.className=nginx",
    "api.ingress.tlsSecret=farm-tls",
    "api.publicUrl=https://farm.example.org",
  ],
  "behind a gateway": [
    "api.gateway.enabled=true",
    "api.gateway.host=farm.example.org",
    "api.gateway.parentRefs[0].name=public",
    "api.publicUrl=https://farm.example.org",
  ],
  "by digest, with a login": [
    ...["agent", "operator", "api"].map((name) => `image.digests.${name}=sha256:${"0123456789abcdef".repeat(4)}`),
    "image.pullSecrets={login}",
    "image.pullPolicy=Always",
  ],
  "called from one namespace": [
    "networkPolicies.apiFrom[0].namespaceSelector.matchLabels.team=ci",
    "networkPolicies.metricsFrom[0].namespaceSelector.matchLabels.team=infra",
  ],
  "on a cluster whose servers listen elsewhere": [
    "networkPolicies.apiServerPorts={16443}",
    "networkPolicies.dnsPorts={53,5353}",
    "networkPolicies.dnsTo=null",
  ],
  "without what can be left out": [
    "networkPolicies.enabled=false",
    "podDisruptionBudgets.enabled=false",
    "rbac.aggregate=false",
    "rbac.publicClusterBoards=false",
    "boards.install=false",
  ],
  "under another name": ["fullnameOverride=lab", "image.tag=1.2.3"],
  "on chosen nodes": [
    "operator.nodeSelector.disk=ssd",
    "operator.priorityClassName=high",
    "operator.podAnnotations.a=b",
    "operator.podLabels.c=d",
    "api.tolerations[0].operator=Exists",
    "api.affinity.nodeAffinity.x=y",
  ],
};

const REFUSED: [what: string, values: string[], sentence: string][] = [
  [
    "no registry",
    ["image.registry="],
    "image.registry is not set: name the registry that has the farm's images, such as --set image.registry=registry.example.org/emufarm",
  ],
  ["a value that is none", ["image.registy=x"], "at '/image': additional properties 'registy' not allowed"],
  ["a number of operators that is none", ["operator.replicas=0"], "at '/operator/replicas': minimum: got 0, want 1"],
  ["a port that is none", ["networkPolicies.apiServerPorts={0}"], "at '/networkPolicies/apiServerPorts/0': minimum"],
  ["a kind of Redis that is none", ["redis.type=cluster"], "value must be one of 'bundled', 'external'"],
  [
    "a Redis elsewhere without its address",
    ["redis.type=external"],
    "redis.external.url is not set, and redis.type is external: name the Redis to use",
  ],
  ["a password in the address of Redis", ["redis.external.url=redis://:word@host"], "at '/redis/external/url'"],
  [
    "a route without a gateway",
    ["api.gateway.enabled=true", "api.gateway.host=farm.example.org"],
    "api.gateway.parentRefs is not set, and api.gateway.enabled is true: name the Gateway, such as [{name: public, namespace: gateways}]",
  ],
  [
    "an ingress without a host",
    ["api.ingress.enabled=true"],
    "api.ingress.host is not set, and api.ingress.enabled is true: name the host, such as farm.example.org",
  ],
  [
    "a bucket beside a volume that is lost with the pod",
    [...WITH_BUCKET, "api.store.type=ephemeral"],
    "api.store.s3.bucket is set, and api.store.type is ephemeral: verdicts lie on the volume, and without it nobody knows what is in the bucket",
  ],
  [
    "a bucket without its server",
    [...WITH_BUCKET, "api.store.s3.endpoint="],
    "api.store.s3.endpoint is not set, and api.store.s3.bucket is: name the server, such as https://s3.eu-central-1.amazonaws.com",
  ],
  [
    "a bucket without credentials",
    [...WITH_BUCKET, "api.store.s3.existingSecret="],
    "api.store.s3.existingSecret is not set, and api.store.s3.bucket is: name a Secret with the keys access-key-id and secret-access-key",
  ],
  [
    "a server of buckets without a bucket",
    [...WITH_BUCKET, "api.store.s3.bucket="],
    "api.store.s3.endpoint is set, and api.store.s3.bucket is not: name the bucket, or leave the store on its volume",
  ],
  [
    "a bucket in its server's address",
    [...WITH_BUCKET, "api.store.s3.endpoint=https://host/farm"],
    "at '/api/store/s3/endpoint'",
  ],
  ["a name of a bucket that is none", [...WITH_BUCKET, "api.store.s3.bucket=My_Farm"], "at '/api/store/s3/bucket'"],
  [
    "credentials in the values",
    [...WITH_BUCKET, "api.store.s3.secretAccessKey=x"],
    "additional properties 'secretAccessKey' not allowed",
  ],
  ["a digest that is none", ["image.digests.api=latest"], "at '/image/digests/api'"],
];

describe.skipIf(reason)(`the chart${reason === undefined ? "" : ` (${reason})`}`, () => {
  test("has nothing that Helm's own lint finds fault with", async () => {
    const { exitCode, stdout } = await helm("lint", "--strict", CHART, "--set", `image.registry=${REGISTRY}`);
    expect(exitCode, stdout).toBe(0);
  });

  test("has the version of the farm", () => {
    const { version } = JSON.parse(readFileSync(join(CHART, "../../package.json"), "utf8"));
    expect(parse(readFileSync(join(CHART, "Chart.yaml"), "utf8"))).toMatchObject({ version, appVersion: version });
  });

  test.each(REFUSED)("refuses %s in one sentence", async (_what, values, sentence) => {
    const { exitCode, stderr } = await template([`image.registry=${REGISTRY}`, ...values]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(sentence);
  });

  describe.each(Object.entries(MATRIX))("%s", (_what, values) => {
    let objects: Rendered[] = [];
    beforeAll(async () => {
      objects = await render(values);
    });

    test("renders the same twice, each object once and in a namespace where it has one", async () => {
      const args = [`image.registry=${REGISTRY}`, ...values];
      expect((await template(args)).stdout).toBe((await template(args)).stdout);
      const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`);
      expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
      const isCluster = /^Cluster/;
      expect(
        objects.filter(({ kind, metadata }) => isCluster.test(kind) === (metadata.namespace !== undefined)),
      ).toEqual([]);
    });

    test("keeps every pod to Pod Security's level restricted, without a token where none is needed", () => {
      const pods = podsOf(objects);
      expect(pods.length).toBeGreaterThan(2);
      for (const { owner, spec } of pods) {
        expect(spec.securityContext, owner.metadata.name).toMatchObject({
          runAsNonRoot: true,
          runAsUser: 65_532,
          seccompProfile: { type: "RuntimeDefault" },
        });
        expect(spec.hostNetwork ?? spec.hostPID ?? spec.hostIPC).toBeUndefined();
        for (const volume of spec.volumes ?? []) expect(volume.hostPath).toBeUndefined();
        for (const container of spec.containers) {
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          });
          expect(container.resources.limits.memory).toBeDefined();
          expect(container.resources.requests.cpu).toBeDefined();
        }
        if (/redis|test/.test(owner.metadata.name)) expect(spec.automountServiceAccountToken).toBe(false);
      }
    });

    test("takes every image from the registry, and tells the operator the agent's", () => {
      const containers = podsOf(objects).flatMap(({ spec }) => spec.containers);
      const agent = envOf(objects, "operator").EMUFARM_OPERATOR_AGENT_IMAGE;
      for (const image of [agent, ...containers.map((container: Rendered) => container.image)]) {
        expect(image).toMatch(new RegExp(`^${REGISTRY}/emufarm-(agent|api|operator)[:@]`));
      }
    });

    test("leads from services, policies, budgets and monitors to pods, and from bindings to accounts and roles", () => {
      const pods = podsOf(objects).filter(({ owner }) => owner.kind !== "Pod");
      const selectors = objects.flatMap(({ kind, metadata, spec }) => {
        if (metadata.name.endsWith("-agent")) return [];
        if (kind === "Service") return [spec.selector];
        if (kind === "NetworkPolicy") return [spec.podSelector.matchLabels];
        return kind === "PodDisruptionBudget" || kind === "PodMonitor" ? [spec.selector.matchLabels] : [];
      });
      for (const selector of selectors) {
        expect(pods.filter(({ metadata }) => includes(metadata.labels, selector))).toHaveLength(1);
      }
      const services = objects.filter(({ kind }) => kind === "Service");
      for (const { spec } of objects.filter(({ kind }) => kind === "ServiceMonitor")) {
        const found = services.filter(({ metadata }) => includes(metadata.labels, spec.selector.matchLabels));
        const ports = found.flatMap((service) => service.spec.ports.map((port: { name: string }) => port.name));
        expect(ports).toEqual(
          expect.arrayContaining(spec.endpoints.map((endpoint: { port: string }) => endpoint.port)),
        );
      }
      const has = (kind: string, name: string) =>
        objects.some((one) => one.kind === kind && one.metadata.name === name);
      for (const { roleRef, subjects } of objects.filter(({ kind }) => kind.endsWith("RoleBinding"))) {
        expect(has(roleRef.kind, roleRef.name), roleRef.name).toBe(true);
        for (const subject of subjects)
          if (subject.kind === "ServiceAccount") expect(has("ServiceAccount", subject.name)).toBe(true);
      }
      for (const { spec } of pods) expect(has("ServiceAccount", spec.serviceAccountName)).toBe(true);
    });

    test("gives no account a right to everything, nor the reading of Secrets but the farm's own", () => {
      for (const { kind, metadata, rules = [] } of objects.filter((one) => one.kind.endsWith("Role"))) {
        for (const rule of rules) {
          expect(JSON.stringify(rule), metadata.name).not.toContain('"*"');
          if (!rule.resources.includes("secrets") || rule.verbs.join() === "create") continue;
          expect(kind).toBe("Role");
          const own = ["emufarm-agents", "emufarm-agents-api", "emufarm-agents-dispatcher"];
          expect(rule.resourceNames).toEqual(
            rule.verbs.includes("patch") ? own : [values.includes("auth.existingSecret=ours") ? "ours" : "emufarm-api"],
          );
          expect(["get", "get,patch"]).toContain(rule.verbs.join());
        }
      }
    });
  });

  test("Secrets where boards are can be read one by one, where the values say so and not else", async () => {
    const readsSecrets = async (...values: string[]) => {
      const roles = (await render(values)).filter(({ kind }) => kind === "ClusterRole");
      const rules = roles.flatMap((role): { resources: string[]; verbs: string[] }[] => role.rules ?? []);
      return rules.some(({ resources, verbs }) => resources.includes("secrets") && verbs.join() === "get");
    };
    expect(await readsSecrets()).toBe(false);
    expect(await readsSecrets("operator.readSecrets=true")).toBe(true);
  });

  describe("a bucket", () => {
    test("is told to API and dispatcher with its credentials as files, which no value or variable holds", async () => {
      const objects = await render([...WITH_BUCKET, "api.store.s3.prefix=farms/one", "api.store.s3.caSecret=s3-ca"]);
      for (const role of ["api", "dispatcher"]) {
        expect(envOf(objects, role)).toMatchObject({
          EMUFARM_STORE_S3_BUCKET: "farm",
          EMUFARM_STORE_S3_ENDPOINT: "https://s3.example.org:9000",
          EMUFARM_STORE_S3_REGION: "us-east-1",
          EMUFARM_STORE_S3_PREFIX: "farms/one",
          EMUFARM_STORE_S3_ACCESS_KEY_FILE: "/run/secrets/emufarm/s3/access-key-id",
          EMUFARM_STORE_S3_SECRET_KEY_FILE: "/run/secrets/emufarm/s3/secret-access-key",
          EMUFARM_STORE_S3_CA_FILE: "/run/secrets/emufarm/s3/ca.crt",
        });
      }
      const secrets = apiPodOf(objects).volumes.find(({ name }: { name: string }) => name === "secrets");
      expect(secrets.projected.sources.slice(1)).toEqual([
        {
          secret: {
            name: "farm-s3",
            items: [
              { key: "access-key-id", path: "s3/access-key-id" },
              { key: "secret-access-key", path: "s3/secret-access-key" },
            ],
          },
        },
        { secret: { name: "s3-ca", items: [{ key: "ca.crt", path: "s3/ca.crt" }] } },
      ]);
    });

    test.each([
      ["https://s3.example.org:9000", 9000],
      ["http://s3.example.org:9001/", 9001],
      ["https://s3.example.org", 443],
      ["http://[2001:db8::7]", 80],
    ])("may be reached by the API at %s", async (endpoint, port) => {
      const objects = await render([...WITH_BUCKET, `api.store.s3.endpoint=${endpoint}`]);
      expect(openPortsOf(objects, "farm-emufarm-api")).toContain(port);
      expect(openPortsOf(objects, "farm-emufarm-operator")).toEqual(
        openPortsOf(await render([]), "farm-emufarm-operator"),
      );
    });

    test("leaves no trace where there is none", async () => {
      expect(JSON.stringify(await render([]))).not.toMatch(/S3_|s3\//);
    });
  });

  test("API and dispatcher, which share a folder, see each other's processes", async () => {
    expect(apiPodOf(await render([])).shareProcessNamespace).toBe(true);
  });

  describe("its settings", () => {
    let folder = "";
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "chart-"));
      writeFileSync(join(folder, "secret"), "word");
      writeFileSync(join(folder, "authority"), "-----BEGIN CERTIFICATE-----");
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    /** As in a pod: with its fields, and its files. */
    const inPod = (env: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(env).map(([name, value]) => [
          name,
          /_FILE$/.test(name)
            ? join(folder, name.endsWith("_CA_FILE") ? "authority" : "secret")
            : value.replaceAll("$(POD_IP)", "192.0.2.1"),
        ]),
      );

    test.each(Object.entries(MATRIX))("are those of the programs, %s", async (_what, values) => {
      const objects = await render(values);
      const operator = readOperatorConfig(inPod(envOf(objects, "operator")));
      expect(operator).toMatchObject({ namespace: "emufarm-system", agentsSecret: "emufarm-agents" });
      for (const role of ["api", "dispatcher"]) {
        const api = readApiConfig({ ...inPod(envOf(objects, role)), EMUFARM_DATA: "/data" });
        expect(api).toMatchObject({ role, publicUrl: operator.apiUrl });
        expect(api.allowedHosts).toContain("192.0.2.1");
        expect(api.allowedHosts).toContain(new URL(operator.apiUrl).hostname);
        expect(api.agentPods?.namespaces).toEqual(operator.watchNamespaces);
      }
    });

    test("have no name that the programs do not know", async () => {
      const sources = ["src/api/config.ts", "src/api/store/s3-variables.ts", "src/operator/config.ts"]
        .map((file) => readFileSync(file, "utf8"))
        .join("");
      const objects = await render([...WITH_BUCKET, "api.store.s3.caSecret=s3-ca"]);
      for (const name of ["operator", "api", "dispatcher"]) {
        const unknown = Object.keys(envOf(objects, name)).filter((one) => one !== "POD_IP" && !sources.includes(one));
        expect(unknown).toEqual([]);
      }
    });
  });
});

function apiPodOf(objects: readonly Rendered[]): Rendered {
  const found = podsOf(objects).find(({ spec }) => spec.containers.some((one: Rendered) => one.name === "dispatcher"));
  if (!found) throw new Error("no pod has a dispatcher");
  return found.spec;
}

/** Ports to which a policy lets its pods go wherever these are. */
function openPortsOf(objects: readonly Rendered[], name: string): number[] {
  const policy = objects.find(({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name === name);
  const rules: { to?: unknown; ports: { port: number }[] }[] = policy?.spec.egress;
  return rules.filter(({ to }) => to === undefined).flatMap(({ ports }) => ports.map(({ port }) => port));
}

/** Environment of a container, with a word for what the cluster fills in. */
function envOf(objects: readonly Rendered[], container: string): Record<string, string> {
  const found = podsOf(objects)
    .flatMap(({ spec }) => spec.containers)
    .find((one: Rendered) => one.name === container);
  const words: Record<string, string> = { "metadata.namespace": "emufarm-system", "metadata.name": "pod-1" };
  return Object.fromEntries(
    found.env.map(({ name, value, valueFrom }: Rendered) => [
      name,
      value ?? words[valueFrom.fieldRef?.fieldPath] ?? "word",
    ]),
  );
}

function includes(labels: Record<string, string> = {}, selector: Record<string, string>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
