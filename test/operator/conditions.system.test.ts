import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmulatorInstanceStatus } from "../../src/core/schema/emulator-instance-status.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import { SHOWN_AS_CONDITION } from "../kubernetes/manifests/shown-as-conditions.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();
/** What only a scheduler and a quota controller say, the test on the cluster has. */
const here = SHOWN_AS_CONDITION.filter(({ needs }) => !needs.includes("nodes"));

describe.skipIf(reason)(`manifests that are wrong beside others${reason === undefined ? "" : ` (${reason})`}`, () => {
  let lab: OperatorLab;

  beforeAll(async () => {
    lab = await startOperatorLab();
    const boards = join(process.cwd(), "manifests/boards");
    for (const file of await readdir(boards)) {
      if (/^(mps2-an385|microbit)\.yaml$/.test(file)) await lab.plane.kubectl("apply", "-f", join(boards, file));
    }
  });

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  test.each(here.map((one, index) => [one.what, one, index] as const))("%s is shown", async (_what, wrong, index) => {
    const namespace = `case-${index}`;
    await lab.plane.kubectl("create", "namespace", namespace);
    for (const object of [...wrong.beside, wrong.manifest]) await lab.apply(inNamespace(object, namespace));
    const name = (wrong.manifest.metadata as { name: string }).name;
    const object = await lab.untilInstance(
      name,
      ({ conditions }) => conditions?.[0]?.status === "False" && conditions[0].reason === wrong.reason,
      namespace,
    );
    const message = (object.status as EmulatorInstanceStatus).conditions?.[0]?.message ?? "";
    if (typeof wrong.message === "string") expect(message).toBe(wrong.message.replace("NAMESPACE", namespace));
    else expect(message).toMatch(wrong.message);
    await lab.plane.kubectl("delete", "namespace", namespace, "--wait=false");
  });
});

function inNamespace(object: object, namespace: string): object {
  const { metadata, ...rest } = object as { metadata: object };
  return { ...rest, metadata: { ...metadata, namespace } };
}
