import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmulatorInstanceStatus } from "../../src/core/schema/emulator-instance-status.ts";
import { exampleImage, sha256Of } from "../agent/attempt/agent-lab.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import { instance } from "../kubernetes/manifests/manifest-builders.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();
const ready = ({ conditions }: EmulatorInstanceStatus) => conditions?.find(({ type }) => type === "Ready");

/** As after an installation: the garbage collector learns of new kinds each half minute, and is in no hurry then. */
const NO_GARBAGE_COLLECTOR = ["resourcequota-controller"];

describe.skipIf(reason)(`a name that is used again${reason === undefined ? "" : ` (${reason})`}`, () => {
  let lab: OperatorLab;
  let shell = "";

  beforeAll(async () => {
    lab = await startOperatorLab({ controllers: NO_GARBAGE_COLLECTOR });
    await lab.plane.kubectl("apply", "-f", join(process.cwd(), "manifests/boards/mps2-an385.yaml"));
    const image = await exampleImage("mps2-an385", "shell");
    await lab.farm.uploadBytes(image);
    shell = sha256Of(image);
  });

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const uidOf = (what: string) => lab.plane.kubectl("get", what, "-o", "jsonpath={.metadata.uid}");

  /** An instance of this name was Ready, and has just been deleted. @returns the uids of what is left of it */
  async function deleteOne(name: string): Promise<string[]> {
    await lab.apply(manifest(name));
    await lab.untilInstance(name, (status) => ready(status)?.status === "True");
    const uids = [
      await uidOf(`service/${name}`),
      ...(await lab.podsOf(name)).map(({ metadata }) => metadata.uid ?? ""),
    ];
    await lab.plane.kubectl("delete", `emu/${name}`);
    return uids;
  }

  const manifest = (name: string) => {
    const { metadata, ...rest } = instance({ firmware: { artifact: shell } }, name);
    return { ...rest, metadata: { ...metadata, namespace: "default" } };
  };

  test("is Ready again, and takes away what the instance before has left, whoever else would", async () => {
    const [service, pod] = await deleteOne("again");
    expect(await uidOf("service/again")).toBe(service);
    await lab.apply(manifest("again"));
    await lab.untilInstance("again", (status) => ready(status)?.status === "True");
    expect(await uidOf("service/again")).not.toBe(service);
    await expect.poll(() => lab.podsOf("again")).toHaveLength(1);
    expect((await lab.podsOf("again")).map(({ metadata }) => metadata.uid)).not.toContain(pod);
    expect(lab.kubelet.failures).toEqual([]);
  });

  test("shows what stands in the way of the new one as soon as it does, and nothing else before", async () => {
    await deleteOne("obstructed");
    await lab.plane.kubectl("create", "quota", "no-pods", "--hard=pods=0");
    await lab.plane.kubectl("wait", "quota/no-pods", "--for=jsonpath={.status.hard.pods}=0", "--timeout=60s");
    const shown = new Set<string>();
    await lab.apply(manifest("obstructed"));
    const { status } = await lab.untilInstance("obstructed", (seen) => {
      shown.add(ready(seen)?.reason ?? "none");
      return ready(seen)?.reason === "Forbidden";
    });
    expect(ready(status as EmulatorInstanceStatus)?.message).toMatch(/exceeded quota: no-pods/);
    expect([...shown].filter((one) => one === "ServiceNameTaken")).toEqual([]);
    await lab.plane.kubectl("delete", "quota", "no-pods");
    await lab.untilInstance("obstructed", (seen) => ready(seen)?.status === "True");
  });
});
