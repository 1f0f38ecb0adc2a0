import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_VERSION } from "../../src/core/schema/metadata.ts";
import { exampleImage, sha256Of } from "../agent/attempt/agent-lab.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import type { DeathPoint } from "./killing-proxy.ts";
import { MortalOperator } from "./mortal-operator.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();
const PHASES = ["before", "after"] as const;
/** More than any operation has. */
const MOST_WRITES = 24;

describe.skipIf(reason)(
  `an operator that is killed${reason === undefined ? "" : ` (${reason})`}`,
  {
    timeout: 600_000,
  },
  () => {
    let lab: OperatorLab;
    let operator: MortalOperator;
    let shell: string;
    let hello: string;

    beforeAll(async () => {
      lab = await startOperatorLab({ withOperator: false });
      operator = await MortalOperator.behindProxy(lab.plane, lab.operatorSettings);
      await lab.plane.kubectl("apply", "-f", join(process.cwd(), "manifests/boards/mps2-an385.yaml"));
      const images = await Promise.all(["shell", "hello"].map((app) => exampleImage("mps2-an385", app)));
      for (const image of images) await lab.farm.uploadBytes(image);
      [shell = "", hello = ""] = images.map(sha256Of);
      // The farm's own keys are made once.
      await create("first");
      await lab.plane.kubectl("delete", "emu", "first");
    });

    afterAll(async () => {
      await operator?.[Symbol.asyncDispose]();
      await lab?.[Symbol.asyncDispose]();
    });

    const manifest = (name: string, sha256: string) => ({
      apiVersion: API_VERSION,
      kind: "EmulatorInstance",
      metadata: { name, namespace: "default" },
      spec: { board: "mps2-an385", firmware: { artifact: sha256 } },
    });

    const count = async (kind: string, name: string) => {
      const { items } = JSON.parse(await lab.plane.kubectl("get", kind, "-o", "json")) as {
        items: { metadata: { name: string; ownerReferences?: { name: string }[] } }[];
      };
      return items.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.name.startsWith(name)))
        .length;
    };

    const isReady = (name: string) => lab.untilInstance(name, ({ conditions }) => conditions?.[0]?.status === "True");
    const create = (name: string) =>
      operator.survive(
        undefined,
        () => lab.apply(manifest(name, shell)),
        () => isReady(name),
      );

    /** Carries it out again and again, each time with an operator that dies one write later, until none dies. */
    async function atEachWrite(phase: DeathPoint["phase"], act: (point: DeathPoint) => Promise<boolean>) {
      for (let write = 1; write <= MOST_WRITES; write += 1) {
        const isDead = await act({ write, phase });
        if (isDead) continue;
        expect(operator.writes.length, operator.writes.join("\n")).toBeLessThan(write);
        return operator.writes;
      }
      throw new Error(`an operator still dies at write ${MOST_WRITES}: ${operator.writes.join(", ")}`);
    }

    test.each(PHASES)("%s any write of a create leaves one pod, one identity, one service", async (phase) => {
      const writes = await atEachWrite(phase, async (point) => {
        const name = `create-${point.write}-${phase}`;
        const isDead = await operator.survive(
          point,
          () => lab.apply(manifest(name, shell)),
          () => isReady(name),
        );
        const made = await Promise.all(["pods", "secrets", "services"].map((kind) => count(kind, name)));
        expect(made, `${phase} write ${point.write}`).toEqual([1, 1, 1]);
        await lab.plane.kubectl("delete", "emu", name, "--wait=false");
        return isDead;
      });
      const kinds = writes.map((write) => /(pods|secrets|services|status)(\/|$)/.exec(write)?.[1]);
      expect(new Set(kinds)).toEqual(new Set(["pods", "secrets", "services", "status"]));
    });

    test.each(PHASES)("%s any write of a change of firmware keeps the pod", async (phase) => {
      const writes = await atEachWrite(phase, async (point) => {
        const name = `change-${point.write}-${phase}`;
        await create(name);
        const uid = async () => (await lab.podsOf(name)).map(({ metadata }) => metadata.uid);
        const before = await uid();
        const isDead = await operator.survive(
          point,
          () => lab.apply(manifest(name, hello)),
          () =>
            lab.untilInstance(name, ({ firmware, lastExit }) => firmware?.sha256 === hello && lastExit !== undefined),
        );
        expect(await uid(), `${phase} write ${point.write}`).toEqual(before);
        await lab.plane.kubectl("delete", "emu", name, "--wait=false");
        return isDead;
      });
      expect(writes).not.toEqual([]);
    });

    test.each(PHASES)("%s any write of a delete leaves nothing", async (phase) => {
      const writes = await atEachWrite(phase, async (point) => {
        const name = `delete-${point.write}-${phase}`;
        await create(name);
        const left = () => Promise.all(["pods", "secrets", "services"].map((kind) => count(kind, name)));
        expect(await left()).toEqual([1, 1, 1]);
        return operator.survive(
          point,
          () => lab.plane.kubectl("delete", "emu", name, "--wait=false"),
          () => expect.poll(left, { timeout: 60_000 }).toEqual([0, 0, 0]),
        );
      });
      // The cluster takes away what belongs to the instance: there is no write to die at.
      expect(writes).toEqual([]);
    });
  },
);
