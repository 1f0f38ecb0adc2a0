import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmulatorInstanceStatus } from "../../src/core/schema/emulator-instance-status.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import { SHOWN_AS_CONDITION } from "../kubernetes/manifests/shown-as-conditions.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();
/** It is held to 2 s, and takes a fraction of that; where other tests take the processor, everything takes several times as long. */
const SHOWN_MS = 6_000;
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

  test.for(here.map((one, index) => [one.what, one, index] as const))(
    "%s is shown",
    async ([, wrong, index], context) => {
      const namespace = `case-${index}`;
      await lab.plane.kubectl("create", "namespace", namespace);
      for (const object of [...wrong.beside, wrong.manifest]) await lab.apply(inNamespace(object, namespace));
      const name = (wrong.manifest.metadata as { name: string }).name;
      const createdMs = performance.now();
      const object = await Promise.race([
        lab.untilInstance(
          name,
          ({ conditions }) => conditions?.[0]?.status === "False" && conditions[0].reason === wrong.reason,
          namespace,
        ),
        sleep(SHOWN_MS, undefined, { ref: false }).then(() => {
          throw new Error(`${name} did not become ${wrong.reason} within ${SHOWN_MS} ms`);
        }),
      ]);
      await context.annotate(`shown ${Math.round(performance.now() - createdMs)} ms after it was applied`);
      const message = (object.status as EmulatorInstanceStatus).conditions?.[0]?.message ?? "";
      if (typeof wrong.message === "string") expect(message).toBe(wrong.message.replace("NAMESPACE", namespace));
      else expect(message).toMatch(wrong.message);
      await lab.plane.kubectl("delete", "namespace", namespace, "--wait=false");
    },
  );
});

function inNamespace(object: object, namespace: string): object {
  const { metadata, ...rest } = object as { metadata: object };
  return { ...rest, metadata: { ...metadata, namespace } };
}
