import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_VERSION } from "../../src/core/schema/metadata.ts";
import { exampleImage, sha256Of } from "../agent/attempt/agent-lab.ts";
import { noControlPlane } from "../cluster/control-plane.ts";
import type { DeathPoint } from "./killing-proxy.ts";
import { MortalOperator } from "./mortal-operator.ts";
import { type OperatorLab, startOperatorLab } from "./operator-lab.ts";

const reason = noControlPlane();
/** More than an operation has; a point beyond its last write kills nobody. */
const POINTS: readonly DeathPoint[] = [1, 2, 3, 4].flatMap((write) => [
  { write, phase: "before" as const },
  { write, phase: "after" as const },
]);

describe.skipIf(reason)(
  `an operator that is killed${reason === undefined ? "" : ` (${reason})`}`,
  {
    timeout: 240_000,
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

    test.each(POINTS)("$phase write $write of a create leaves one pod, one identity, one service", async (point) => {
      const name = `create-${point.write}-${point.phase}`;
      const begin = () => lab.apply(manifest(name, shell));
      const isDead = await operator.survive(point, begin, () => isReady(name));
      expect(isDead || operator.writes.length < point.write).toBe(true);
      expect(await count("pods", name)).toBe(1);
      expect(await count("secrets", name)).toBe(1);
      expect(await count("services", name)).toBe(1);
      await lab.plane.kubectl("delete", "emu", name);
    });

    test.each(POINTS.slice(0, 4))("$phase write $write of a change of firmware keeps the pod", async (point) => {
      const name = `change-${point.write}-${point.phase}`;
      await create(name);
      const uid = async () => (await lab.podsOf(name)).map(({ metadata }) => metadata.uid);
      const before = await uid();
      await operator.survive(
        point,
        () => lab.apply(manifest(name, hello)),
        () => lab.untilInstance(name, ({ firmware, lastExit }) => firmware?.sha256 === hello && lastExit !== undefined),
      );
      expect(await uid()).toEqual(before);
      await lab.plane.kubectl("delete", "emu", name);
    });

    test.each(POINTS.slice(0, 4))("$phase write $write of a delete leaves nothing", async (point) => {
      const name = `delete-${point.write}-${point.phase}`;
      await create(name);
      const left = () => Promise.all(["pods", "secrets", "services"].map((kind) => count(kind, name)));
      expect(await left()).toEqual([1, 1, 1]);
      await operator.survive(
        point,
        () => lab.plane.kubectl("delete", "emu", name, "--wait=false"),
        () => expect.poll(left, { timeout: 60_000 }).toEqual([0, 0, 0]),
      );
    });
  },
);
