import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machineAt } from "../../scripts/setup/system-packages.mjs";
import type { EmulatorInstanceStatus } from "../../src/core/schema/emulator-instance-status.ts";
import { exampleImage } from "../agent/attempt/agent-lab.ts";
import { digestOf } from "../api/firmware/fake-registry.ts";
import { pushArtifact } from "../api/firmware/pushed-artifact.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import { REGISTRY_USER, type RegistryProcess, startRegistry } from "../images/registry-process.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const hasRegistry = machineAt(`${process.env.PATH}${delimiter}/usr/bin`).hasCommand("docker-registry");
const reason = noControlPlane() ?? (hasRegistry ? undefined : "docker-registry is not installed");
const readyOf = ({ conditions }: EmulatorInstanceStatus) => conditions?.find(({ type }) => type === "Ready");

describe.skipIf(reason)(`firmware from where a login is wanted${reason === undefined ? "" : ` (${reason})`}`, () => {
  let registry: RegistryProcess;
  let lab: OperatorLab;
  let shell: Buffer;
  let digest: string;

  beforeAll(async () => {
    registry = await startRegistry({ hasLogin: true });
    lab = await startOperatorLab({ apiSettings: { EMUFARM_IMPORT_PLAIN_REGISTRIES: registry.address } });
    await lab.plane.kubectl("apply", "-f", join(process.cwd(), "manifests/boards/mps2-an385.yaml"));
    shell = await exampleImage("mps2-an385", "shell");
    digest = await pushArtifact(registry.address, "team/app", shell, REGISTRY_USER);
  });

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
  });

  const instance = (name: string, firmware: object) =>
    lab.apply({
      apiVersion: "emufarm.dev/v1alpha1",
      kind: "EmulatorInstance",
      metadata: { name, namespace: "default" },
      spec: { board: "mps2-an385", firmware },
    });
  const secret = (name: string, type: string, stringData: object) =>
    lab.apply({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "default" }, type, stringData });

  test("an image is pulled with the login that kubectl makes a Secret of", async () => {
    const { username, password } = REGISTRY_USER;
    const login = ["docker-registry", "login", `--docker-server=${registry.address}`, "-n", "default"];
    const as = [`--docker-username=${username}`, `--docker-password=${password}`];
    await lab.plane.kubectl("create", "secret", ...login, ...as);
    await instance("pulled", { image: `${registry.address}/team/app:1.2`, secretName: "login" });
    const object = await lab.untilInstance("pulled", (status) => readyOf(status)?.status === "True");
    expect((object.status as EmulatorInstanceStatus).firmware?.sha256).toBe(digestOf(shell).slice("sha256:".length));
  });

  test("one by its digest, with credentials of the farm's own kind", async () => {
    const hosts = registry.address;
    await secret("own", "emufarm.dev/firmware-credentials", { hosts, ...REGISTRY_USER });
    await instance("by-digest", { image: `${registry.address}/team/app@${digest}`, secretName: "own" });
    await lab.untilInstance("by-digest", (status) => readyOf(status)?.status === "True");
  });

  test.each([
    ["no-login", (image: string) => ({ image }), "FirmwareSourceFailed", "the registry wants credentials (401)"],
    ["no-secret", (image: string) => ({ image, secretName: "none" }), "SecretNotFound", "There is no Secret none"],
    ["other-type", (image: string) => ({ image, secretName: "opaque" }), "SecretTypeNotSupported", "of type Opaque"],
    ["other-host", (image: string) => ({ image, secretName: "elsewhere" }), "SecretHostNotListed", "it has those for"],
    [
      "wrong-word",
      (image: string) => ({ image, secretName: "wrong" }),
      "FirmwareSourceFailed",
      "the registry does not take the credentials (401)",
    ],
    [
      "in-the-clear",
      () => ({ url: "http://files.example/app.elf", secretName: "elsewhere" }),
      "FirmwareSourceRefused",
      "credentials are shown by https only",
    ],
    [
      "no-such",
      (image: string) => ({ image: image.replace(":1.2", ":9"), secretName: "good" }),
      "FirmwareSourceFailed",
      "the registry does not have it",
    ],
  ])("%s is told, and put right by a Secret that is as it should be", async (name, firmware, why, words) => {
    const own = "emufarm.dev/firmware-credentials";
    await secret("opaque", "Opaque", { token: "t" });
    await secret("elsewhere", own, { hosts: "files.example", token: "t" });
    await secret("wrong", own, { hosts: registry.address, username: "farm", password: "x" });
    await secret("good", own, { hosts: registry.address, ...REGISTRY_USER });
    await instance(name, firmware(`${registry.address}/team/app:1.2`));
    const object = await lab.untilInstance(name, (status) => readyOf(status)?.reason === why);
    expect(readyOf(object.status as EmulatorInstanceStatus)?.message).toContain(words);
    await instance(name, { image: `${registry.address}/team/app:1.2`, secretName: "good" });
    await lab.untilInstance(name, (status) => readyOf(status)?.status === "True");
    await lab.plane.kubectl("delete", "emu", name);
  });
});
